// A message's body of which only the beginning is kept.
#pragma once

#include <algorithm>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/optional.hpp>
#include <cstddef>
#include <cstdint>
#include <string>

namespace heartbeat::hbgate {

// As boost::beast::http describes a Body that is only read.
struct CutBody {
  struct value_type {
    std::size_t kept_max = 0;  // bytes; what comes after them is counted alone
    std::string kept;
    std::uint64_t bytes = 0;  // that came
  };

  class reader {
   public:
    template <bool is_request, class Fields>
    reader(boost::beast::http::header<is_request, Fields>&, value_type& body) : body_(body) {}

    void init(const boost::optional<std::uint64_t>&, boost::beast::error_code& error) {
      error = {};
    }
    template <class Buffers>
    std::size_t put(const Buffers& buffers, boost::beast::error_code& error) {
      error = {};
      std::size_t bytes = 0;
      for (const auto buffer : boost::beast::buffers_range_ref(buffers)) {
        const std::size_t room = body_.kept_max - body_.kept.size();
        body_.kept.append(static_cast<const char*>(buffer.data()), std::min(room, buffer.size()));
        bytes += buffer.size();
      }
      body_.bytes += bytes;
      return bytes;
    }
    void finish(boost::beast::error_code& error) { error = {}; }

   private:
    value_type& body_;
  };
};

}  // namespace heartbeat::hbgate
