#include "telling/history.hpp"

#include <string>

namespace heartbeat::telling {

Json as_published(const store::AlertRecord& alert) {
  Json json = Json::from_msgpack(alert.payload, true, false);
  if (!json.is_object()) {
    throw store::Unusable("the payload of alert " + std::to_string(alert.seq) + " of epoch " +
                          alert.epoch + " is no map");
  }
  json.erase("v");
  return json;
}

}  // namespace heartbeat::telling
