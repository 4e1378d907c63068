// What the person looks at, and what the keys do to it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "watch/snapshot.hpp"

namespace heartbeat::hbctl::watch {

struct Key {
  enum class Code : std::uint8_t {
    text,  // one character that writes
    enter,
    escape,
    backspace,
    clear,  // Ctrl-U
    up,
    down,
    page_up,
    page_down,
    home,
    end,
  };
  Code code = Code::text;
  std::string text;  // UTF-8
};

class View {
 public:
  enum class Page : std::uint8_t { table, run, help };

  // What there is to look at: the runs of the table, how many lines the page has, and how many the
  // terminal has room for. To be told after each change and before each key.
  void settle(const std::vector<RunRow>& runs, std::size_t lines, std::size_t room);
  void press(const Key& key, const std::vector<RunRow>& runs);

  bool quitting() const { return quitting_; }
  Page page() const { return page_; }
  // A filter is being typed.
  bool typing() const { return typing_; }
  const std::string& filter() const { return filter_; }
  StateFilter state() const { return state_; }
  // The first line shown of the page.
  std::size_t top() const { return top_; }
  // Of the table; 0 in an empty one.
  std::size_t selected() const { return selected_; }
  Wish wish() const;

 private:
  void press_in_filter(const Key& key);
  void press_letter(const std::string& letter, const std::vector<RunRow>& runs);
  bool move(Key::Code code, const std::vector<RunRow>& runs);
  void select(std::size_t index, const std::vector<RunRow>& runs);
  void open(const std::vector<RunRow>& runs);
  void back();

  Page page_ = Page::table;
  Page before_help_ = Page::table;
  bool quitting_ = false;
  bool typing_ = false;
  std::string filter_;
  std::string filter_before_;  // it was typed at
  StateFilter state_ = StateFilter::all;
  std::optional<RunName> open_;

  // Of the table. Nothing chosen = the first line, whichever run that is: what gets urgent comes
  // into view. What was chosen is followed wherever it goes.
  std::optional<RunName> chosen_;
  std::size_t selected_ = 0;
  std::size_t table_top_ = 0;

  std::size_t top_ = 0;
  std::size_t lines_ = 0;
  std::size_t room_ = 0;
};

}  // namespace heartbeat::hbctl::watch
