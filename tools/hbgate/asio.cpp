// What Boost's networking has that is no template.
#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>
