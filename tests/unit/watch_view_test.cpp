// What the keys of hbctl watch do.
#include "support/catch.hpp"
#include "watch/view.hpp"

namespace heartbeat::hbctl::watch {
namespace {

using Code = Key::Code;

constexpr std::size_t room = 3;

RunRow run(const std::string& agent_id, const std::string& run_id = "") {
  RunRow row;
  row.agent_id = agent_id;
  row.run_id = run_id;
  row.status = "running";
  return row;
}

// A view of some runs, told about each change as the program does.
struct Looked {
  std::vector<RunRow> runs{run("a"), run("b"), run("c"), run("d"), run("e")};
  View view;

  Looked() { settle(); }
  void settle() { view.settle(runs, runs.size(), room); }
  void press(Code code, const std::string& text = "") {
    view.press({code, text}, runs);
    settle();
  }
  void type(const std::string& letters) {
    for (const char letter : letters) {
      press(Code::text, std::string(1, letter));
    }
  }
  std::string selected() const { return runs.at(view.selected()).agent_id; }
};

}  // namespace

TEST_CASE("as long as nothing is chosen, the most urgent run is on top and selected") {
  Looked looked;
  CHECK(looked.selected() == "a");
  looked.runs.insert(looked.runs.begin(), run("new"));
  looked.settle();
  CHECK(looked.selected() == "new");
  CHECK(looked.view.top() == 0);
}

TEST_CASE("a chosen run is followed, and stays in view") {
  Looked looked;
  looked.press(Code::down);
  CHECK(looked.selected() == "b");
  looked.runs.insert(looked.runs.begin(), {run("x"), run("y"), run("z")});
  looked.settle();
  CHECK(looked.selected() == "b");
  CHECK(looked.view.top() + room == looked.view.selected() + 1);
  SECTION("when it is gone, its place is selected") {
    const std::size_t place = looked.view.selected();
    looked.runs.erase(looked.runs.begin() + static_cast<std::ptrdiff_t>(place));
    looked.settle();
    CHECK(looked.view.selected() == place);
  }
  SECTION("back at the top nothing is chosen any more") {
    looked.press(Code::home);
    looked.runs.insert(looked.runs.begin(), run("new"));
    looked.settle();
    CHECK(looked.selected() == "new");
  }
}

TEST_CASE("the selection moves by lines and pages, and stops at both ends") {
  Looked looked;
  looked.press(Code::up);
  CHECK(looked.selected() == "a");
  looked.type("jjk");
  CHECK(looked.selected() == "b");
  looked.press(Code::page_down);
  CHECK(looked.selected() == "e");
  CHECK(looked.view.top() == 2);
  looked.press(Code::down);
  CHECK(looked.selected() == "e");
  looked.press(Code::page_up);
  CHECK(looked.selected() == "b");
  CHECK(looked.view.top() == 1);
  looked.type("G");
  CHECK(looked.selected() == "e");
  looked.type("g");
  CHECK(looked.selected() == "a");
  CHECK(looked.view.top() == 0);
}

TEST_CASE("an empty table can be moved in and opened without harm") {
  Looked looked;
  looked.press(Code::end);
  looked.runs.clear();
  looked.settle();
  for (const Code code : {Code::up, Code::down, Code::page_up, Code::end, Code::enter}) {
    looked.press(code);
  }
  CHECK(looked.view.page() == View::Page::table);
  CHECK(looked.view.selected() == 0);
}

TEST_CASE("a filter is asked for while it is typed; a pattern is taken as it is") {
  Looked looked;
  looked.type("/de");
  CHECK(looked.view.typing());
  CHECK(looked.view.wish().agent == "*de*");
  looked.type("v-?");
  CHECK(looked.view.wish().agent == "dev-?");
  looked.press(Code::backspace);
  looked.press(Code::text, "é");
  CHECK(looked.view.filter() == "dev-é");
  looked.press(Code::backspace);
  CHECK(looked.view.filter() == "dev-");
  SECTION("Enter keeps it, and then letters are keys again") {
    looked.press(Code::enter);
    CHECK_FALSE(looked.view.typing());
    CHECK(looked.view.wish().agent == "*dev-*");
    looked.type("/x");
    looked.press(Code::escape);
    CHECK(looked.view.wish().agent == "*dev-*");
    looked.press(Code::escape);
    CHECK(looked.view.wish().all());
  }
  SECTION("Ctrl-U empties it") {
    looked.press(Code::clear);
    CHECK(looked.view.wish().agent.empty());
  }
  SECTION("Backspace in an empty one does nothing") {
    looked.press(Code::clear);
    looked.press(Code::backspace);
    CHECK(looked.view.typing());
  }
  SECTION("it does not grow beyond what an agent's id can be") {
    looked.press(Code::clear);
    looked.type(std::string(500, 'x'));
    CHECK(looked.view.filter().size() == 128);
  }
}

TEST_CASE("s goes through the states and back to all") {
  Looked looked;
  std::vector<StateFilter> seen;
  for (int i = 0; i < 4; ++i) {
    looked.type("s");
    seen.push_back(looked.view.wish().state);
  }
  CHECK(seen ==
        std::vector{StateFilter::stale, StateFilter::running, StateFilter::idle, StateFilter::all});
}

TEST_CASE("Enter opens the selected run, Escape and q go back, and q in the table quits") {
  Looked looked;
  looked.runs[1] = run("b", "r1");
  looked.type("j");
  looked.press(Code::enter);
  CHECK(looked.view.page() == View::Page::run);
  CHECK(looked.view.wish().open == RunName{"b", "r1"});
  looked.type("?");
  CHECK(looked.view.page() == View::Page::help);
  looked.type("q");
  CHECK(looked.view.page() == View::Page::run);
  looked.press(Code::escape);
  CHECK(looked.view.page() == View::Page::table);
  CHECK_FALSE(looked.view.wish().open);
  CHECK(looked.selected() == "b");
  CHECK_FALSE(looked.view.quitting());
  looked.type("q");
  CHECK(looked.view.quitting());
}

TEST_CASE("a page that does not fit is scrolled, no further than to its end") {
  Looked looked;
  looked.press(Code::enter);
  const auto settle = [&](std::size_t lines) { looked.view.settle(looked.runs, lines, room); };
  settle(5);
  looked.view.press({Code::end, ""}, looked.runs);
  CHECK(looked.view.top() == 2);
  looked.view.press({Code::down, ""}, looked.runs);
  CHECK(looked.view.top() == 2);
  settle(4);
  CHECK(looked.view.top() == 1);
  settle(1);
  CHECK(looked.view.top() == 0);
}

}  // namespace heartbeat::hbctl::watch
