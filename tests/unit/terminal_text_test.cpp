#include "watch/terminal_text.hpp"

#include "support/catch.hpp"

namespace heartbeat::hbctl::watch {

using Lines = std::vector<std::string>;

TEST_CASE("text is measured in columns, not in bytes or characters") {
  use_unicode();
  CHECK(columns_of("abc") == 3);
  CHECK(columns_of("äöü") == 3);
  CHECK(columns_of("漢字") == 4);
  CHECK(columns_of("e\u0301") == 1);
  CHECK(columns_of("😀") == 2);
  CHECK(columns_of("") == 0);
}

TEST_CASE("nothing that a terminal would obey is left of a text") {
  use_unicode();
  CHECK(harmless("a\x1b[2Jb\r\n\t") == "a [2Jb   ");
  CHECK(harmless("a\u009b2Jb") == "a 2Jb");
  CHECK(harmless("a\xff\xc3") == "a??");
  CHECK(harmless("a\u202e\u2066b") == "a??b");
  CHECK(harmless("a\u2028b") == "a?b");
  CHECK(harmless("漢e\u0301") == "漢e\u0301");
}

TEST_CASE("a text is cut at a column, and says so") {
  use_unicode();
  CHECK(cut("abcdef", 6) == "abcdef");
  CHECK(cut("abcdef", 5) == "abcd…");
  CHECK(cut("abcdef", 1) == "…");
  CHECK(cut("abcdef", 0).empty());
  CHECK(cut("漢字漢", 6) == "漢字漢");
  CHECK(cut("漢字漢", 5) == "漢字…");
  CHECK(cut("漢字漢", 4) == "漢…");
  CHECK(cut("e\u0301e\u0301", 2) == "e\u0301e\u0301");
}

TEST_CASE("a padded text takes exactly its columns") {
  use_unicode();
  CHECK(padded("漢", 4) == "漢  ");
  CHECK(padded("漢字漢", 4) == "漢… ");
  CHECK(padded("", 2) == "  ");
}

TEST_CASE("a long text is broken at spaces where it can be") {
  use_unicode();
  CHECK(wrapped("one two three", 8) == Lines{"one two", "three"});
  CHECK(wrapped("one two", 7) == Lines{"one two"});
  CHECK(wrapped("abcdefgh", 3) == Lines{"abc", "def", "gh"});
  CHECK(wrapped("漢字", 1) == Lines{"漢", "字"});
  CHECK(wrapped(" abc", 3) == Lines{" ab", "c"});
  CHECK(wrapped("", 3).empty());
}

TEST_CASE("numbers are grouped by thousands") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1'000) == "1,000");
  CHECK(grouped(50'000'000) == "50,000,000");
}

}  // namespace heartbeat::hbctl::watch
