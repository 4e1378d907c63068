// Alerts of the past, from a state file.
#pragma once

#include "store/state_file.hpp"
#include "telling/json.hpp"

namespace heartbeat::telling {

// As it was published, without `v`. Throws store::Unusable where the payload is no map.
Json as_published(const store::AlertRecord& alert);

}  // namespace heartbeat::telling
