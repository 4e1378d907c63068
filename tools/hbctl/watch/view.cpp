#include "watch/view.hpp"

#include <algorithm>
#include <utility>

#include "client/printable.hpp"

namespace heartbeat::hbctl::watch {

namespace {

constexpr std::size_t filter_bytes_max = 128;  // as an agent's id

// Where `top` has to be for line `index` to be among the `room` lines from there.
std::size_t top_showing(std::size_t index, std::size_t top, std::size_t lines, std::size_t room) {
  top = std::min(top, index);
  if (room > 0 && index >= top + room) {
    top = index - room + 1;
  }
  return std::min(top, lines > room ? lines - room : 0);
}

StateFilter after(StateFilter state) {
  switch (state) {
    case StateFilter::all:
      return StateFilter::stale;
    case StateFilter::stale:
      return StateFilter::running;
    case StateFilter::running:
      return StateFilter::idle;
    case StateFilter::idle:
      return StateFilter::all;
  }
  return StateFilter::all;
}

}  // namespace

Wish View::wish() const {
  const bool glob = filter_.find_first_of("*?") != std::string::npos;
  return {filter_.empty() || glob ? filter_ : "*" + filter_ + "*", state_, open_};
}

void View::settle(const std::vector<RunRow>& runs, std::size_t lines, std::size_t room) {
  lines_ = lines;
  room_ = room;
  if (page_ != Page::table) {
    top_ = std::min(top_, lines > room ? lines - room : 0);
    return;
  }
  if (!chosen_) {
    selected_ = table_top_ = top_ = 0;
    return;
  }
  const auto found = std::find_if(runs.begin(), runs.end(),
                                  [this](const RunRow& run) { return name_of(run) == *chosen_; });
  if (found != runs.end()) {
    selected_ = static_cast<std::size_t>(found - runs.begin());
  } else {
    select(selected_, runs);
  }
  top_ = table_top_ = top_showing(selected_, table_top_, lines, room);
}

void View::press(const Key& key, const std::vector<RunRow>& runs) {
  if (move(key.code, runs)) {
    return;
  }
  if (typing_) {
    return press_in_filter(key);
  }
  if (key.code == Key::Code::escape) {
    back();
  } else if (key.code == Key::Code::enter) {
    open(runs);
  } else if (key.code == Key::Code::text) {
    press_letter(key.text, runs);
  }
}

void View::press_in_filter(const Key& key) {
  switch (key.code) {
    case Key::Code::text:
      if (filter_.size() + key.text.size() <= filter_bytes_max) {
        filter_ += client::printable(key.text);
      }
      break;
    case Key::Code::backspace:
      while (!filter_.empty() && (static_cast<unsigned char>(filter_.back()) & 0xc0) == 0x80) {
        filter_.pop_back();
      }
      if (!filter_.empty()) {
        filter_.pop_back();
      }
      break;
    case Key::Code::clear:
      filter_.clear();
      break;
    case Key::Code::escape:
      filter_ = filter_before_;
      typing_ = false;
      break;
    default:
      typing_ = false;
  }
  chosen_.reset();
}

void View::press_letter(const std::string& letter, const std::vector<RunRow>& runs) {
  using Code = Key::Code;
  if (letter == "q") {
    page_ == Page::table ? void(quitting_ = true) : back();
  } else if (letter == "?") {
    if (page_ != Page::help) {
      before_help_ = std::exchange(page_, Page::help);
      top_ = 0;
    }
  } else if (letter == "j") {
    move(Code::down, runs);
  } else if (letter == "k") {
    move(Code::up, runs);
  } else if (letter == " ") {
    move(Code::page_down, runs);
  } else if (letter == "g") {
    move(Code::home, runs);
  } else if (letter == "G") {
    move(Code::end, runs);
  } else if (page_ == Page::table && letter == "/") {
    filter_before_ = filter_;
    typing_ = true;
  } else if (page_ == Page::table && letter == "s") {
    state_ = after(state_);
    chosen_.reset();
  }
}

// Whether the key is one that moves.
bool View::move(Key::Code code, const std::vector<RunRow>& runs) {
  const std::size_t last = lines_ > 0 ? lines_ - 1 : 0;
  const std::size_t page = std::max<std::size_t>(room_, 1);
  const bool table = page_ == Page::table;
  const std::size_t from = table ? selected_ : top_;
  std::size_t to = from;
  switch (code) {
    case Key::Code::up:
      to = from - std::min<std::size_t>(from, 1);
      break;
    case Key::Code::down:
      to = from + 1;
      break;
    case Key::Code::page_up:
      to = from - std::min(from, page);
      break;
    case Key::Code::page_down:
      to = from + page;
      break;
    case Key::Code::home:
      to = 0;
      break;
    case Key::Code::end:
      to = last;
      break;
    default:
      return false;
  }
  if (table) {
    select(std::min(to, last), runs);
    top_ = table_top_ = top_showing(selected_, table_top_, lines_, room_);
  } else {
    top_ = std::min(to, lines_ > room_ ? lines_ - room_ : 0);
  }
  return true;
}

void View::select(std::size_t index, const std::vector<RunRow>& runs) {
  selected_ = runs.empty() ? 0 : std::min(index, runs.size() - 1);
  chosen_ = selected_ == 0 ? std::nullopt : std::optional{name_of(runs[selected_])};
}

void View::open(const std::vector<RunRow>& runs) {
  if (page_ == Page::table && selected_ < runs.size()) {
    open_ = name_of(runs[selected_]);
    page_ = Page::run;
    top_ = 0;
  }
}

void View::back() {
  switch (page_) {
    case Page::help:
      page_ = before_help_;
      break;
    case Page::run:
      page_ = Page::table;
      open_.reset();
      break;
    case Page::table:
      filter_.clear();
      state_ = StateFilter::all;
      chosen_.reset();
      return;
  }
  top_ = page_ == Page::table ? table_top_ : 0;
}

}  // namespace heartbeat::hbctl::watch
