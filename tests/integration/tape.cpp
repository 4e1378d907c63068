#include "tape.hpp"

#include <chrono>

namespace heartbeat::test {
namespace {

constexpr std::size_t greeting_bytes = 64;
constexpr unsigned char flag_more = 1;
constexpr unsigned char flag_long = 2;
constexpr unsigned char flag_command = 4;

struct Frame {
  unsigned char flags = 0;
  std::string_view body;
};

// Takes the next frame off `bytes`. False: it is not all there.
bool next_frame(std::string_view& bytes, Frame& frame) {
  if (bytes.size() < 2) {
    return false;
  }
  frame.flags = static_cast<unsigned char>(bytes[0]);
  const std::size_t size_bytes = (frame.flags & flag_long) != 0 ? 8 : 1;
  if (bytes.size() < 1 + size_bytes) {
    return false;
  }
  std::size_t size = 0;
  for (std::size_t i = 1; i <= size_bytes; ++i) {
    size = size << 8 | static_cast<unsigned char>(bytes[i]);
  }
  if (bytes.size() < 1 + size_bytes + size) {
    return false;
  }
  frame.body = bytes.substr(1 + size_bytes, size);
  bytes.remove_prefix(1 + size_bytes + size);
  return true;
}

std::string said_by(const Event& event) {
  switch (event.kind) {
    case EventKind::register_:
      return "register";
    case EventKind::unregister:
      return "unregister " + std::string(event.outcome.value_or(""));
    case EventKind::activity:
    case EventKind::idle:
      return event.phase ? "phase " + std::string(*event.phase) : "idle";
  }
  return {};
}

}  // namespace

void Tape::begin(std::size_t connection) {
  const std::scoped_lock lock(mutex_);
  streams_[connection];
}

void Tape::take(std::size_t connection, std::string_view bytes) {
  const std::scoped_lock lock(mutex_);
  ends_[connection];
  Stream& stream = streams_.at(connection);
  stream.pending += bytes;
  std::string_view rest = stream.pending;
  if (!stream.greeted && rest.size() >= greeting_bytes) {
    rest.remove_prefix(greeting_bytes);
    stream.greeted = true;
  }
  Frame frame;
  while (stream.greeted && next_frame(rest, frame)) {
    if ((frame.flags & (flag_more | flag_command)) == 0) {
      take_payload(connection, frame.body);
    }
  }
  stream.pending.erase(0, stream.pending.size() - rest.size());
}

void Tape::take_payload(std::size_t connection, std::string_view payload) {
  decoder_.clear();
  for (const Event& event : decoder_.decode(payload)) {
    if (source_.empty() && event.kind == EventKind::register_) {
      source_ = event.source;
    }
    if (event.source == source_) {
      take_change(connection, event);
    } else if (event.kind == EventKind::register_) {
      ++mistakes_;
    }
  }
}

void Tape::take_change(std::size_t connection, const Event& event) {
  Change change;
  change.run = std::string(event.agent_id) + '/' + std::string(event.run_id);
  change.said = said_by(event);
  change.connection = connection;
  change.sent_at = event.sent_at.value_or(WallTime{});
  Change& known = changes_.try_emplace(event.seq, change).first->second;
  if (known.run != change.run || known.said != change.said) {
    ++mistakes_;
  }
  known.connection = connection;
  known.sent_at = change.sent_at;
}

void Tape::end(std::size_t connection) {
  const std::scoped_lock lock(mutex_);
  streams_.erase(connection);
  if (const auto ends = ends_.find(connection); ends != ends_.end()) {
    ends->second = std::chrono::floor<Duration>(std::chrono::system_clock::now());
  }
}

std::size_t Tape::size() const {
  const std::scoped_lock lock(mutex_);
  return changes_.size();
}

Tape::Changes Tape::changes() const {
  const std::scoped_lock lock(mutex_);
  return changes_;
}

Tape::Ends Tape::ends() const {
  const std::scoped_lock lock(mutex_);
  return ends_;
}

std::size_t Tape::mistakes() const {
  const std::scoped_lock lock(mutex_);
  return mistakes_;
}

}  // namespace heartbeat::test
