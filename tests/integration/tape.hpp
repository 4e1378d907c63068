// What a cable handed on of an agents' client: its state changes, read from the ZMTP frames.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "heartbeat/event.hpp"
#include "heartbeat/time.hpp"
#include "wire/decode.hpp"

namespace heartbeat::test {

class Tape {
 public:
  // A state change, by its seq; and of when it was handed on last, which connection it was and when
  // the client had said it.
  struct Change {
    std::string run;   // agent/run
    std::string said;  // register, unregister OUTCOME, phase PHASE, idle
    std::size_t connection = 0;
    WallTime sent_at{};
  };
  using Changes = std::map<std::uint64_t, Change>;

  // From the cable's thread. Connections count from 0, and one has ended before the next begins.
  void begin(std::size_t connection);
  void take(std::size_t connection, std::string_view bytes);
  void end(std::size_t connection);

  // These from any thread.
  std::size_t size() const;
  Changes changes() const;
  // When each connection that was handed anything ended; nullopt = it has not.
  using Ends = std::map<std::size_t, std::optional<WallTime>>;
  Ends ends() const;
  // Changes that were said in other words the second time, and registers that were no changes.
  std::size_t mistakes() const;

 private:
  struct Stream {
    std::string pending;
    bool greeted = false;
  };

  void take_payload(std::size_t connection, std::string_view payload);
  void take_change(std::size_t connection, const Event& event);

  mutable std::mutex mutex_;
  std::map<std::size_t, Stream> streams_;
  Ends ends_;
  std::string source_;  // of changes; those of beats have another
  Changes changes_;
  std::size_t mistakes_ = 0;
  wire::EventDecoder decoder_;
};

}  // namespace heartbeat::test
