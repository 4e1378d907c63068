#include "watch/screen.hpp"

#include <sys/ioctl.h>
#include <termcap.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cwchar>
#include <optional>
#include <utility>

#include "watch/crash_restore.hpp"

// Its macros are named like anything.
#define NCURSES_NOMACROS
#define NCURSES_WIDECHAR 1
#include <ncurses.h>

namespace heartbeat::hbctl::watch {

namespace {

constexpr int escape_delay_ms = 50;  // a key's sequence comes in one piece, also from far away

using Code = Key::Code;

void stop_flow_control() {
  termios terminal{};
  if (tcgetattr(STDIN_FILENO, &terminal) == 0) {
    // Ctrl-S would stop the screen, and what it shows would grow old unnoticed.
    terminal.c_iflag &= ~static_cast<tcflag_t>(IXON);
    tcsetattr(STDIN_FILENO, TCSANOW, &terminal);
    def_prog_mode();
  }
}

std::optional<Code> code_of_function_key(wint_t key) {
  switch (key) {
    case KEY_UP:
      return Code::up;
    case KEY_DOWN:
      return Code::down;
    case KEY_PPAGE:
      return Code::page_up;
    case KEY_NPAGE:
      return Code::page_down;
    case KEY_HOME:
      return Code::home;
    case KEY_END:
      return Code::end;
    case KEY_ENTER:
      return Code::enter;
    case KEY_BACKSPACE:
      return Code::backspace;
    default:
      return std::nullopt;
  }
}

std::optional<Code> code_of_control(wint_t character) {
  switch (character) {
    case L'\r':
    case L'\n':
      return Code::enter;
    case 0x1b:
      return Code::escape;
    case 0x7f:
    case 0x08:
      return Code::backspace;
    case 0x15:
      return Code::clear;
    default:
      return std::nullopt;
  }
}

std::string utf8(wint_t character) {
  std::array<char, MB_LEN_MAX> bytes{};
  std::mbstate_t state{};
  const std::size_t size = std::wcrtomb(bytes.data(), static_cast<wchar_t>(character), &state);
  return size == static_cast<std::size_t>(-1) ? std::string() : std::string(bytes.data(), size);
}

constexpr wint_t redraw_key = 0x0c;  // Ctrl-L, after somebody else wrote on the screen

attr_t attributes_of(const Style& style, bool colour) {
  attr_t attributes = A_NORMAL;
  attributes |= style.bold ? A_BOLD : A_NORMAL;
  attributes |= style.dim ? A_DIM : A_NORMAL;
  attributes |= style.reverse ? A_REVERSE : A_NORMAL;
  if (colour && style.colour != Colour::none) {
    attributes |= static_cast<attr_t>(COLOR_PAIR(static_cast<int>(style.colour)));
  }
  return attributes;
}

bool begin_colours() {
  if (!has_colors() || start_color() == ERR || use_default_colors() == ERR) {
    return false;
  }
  for (const auto& [colour, number] : {std::pair{Colour::red, COLOR_RED},
                                       {Colour::yellow, COLOR_YELLOW},
                                       {Colour::green, COLOR_GREEN}}) {
    init_pair(static_cast<short>(colour), static_cast<short>(number), -1);
  }
  return true;
}

}  // namespace

Screen::Screen(bool colour) {
  const char* term = std::getenv("TERM");
  const std::string name = term == nullptr ? "" : term;
  if (name.empty() || name == "dumb") {
    throw NoTerminal(name.empty() ? "TERM is not set" : "TERM=dumb cannot be drawn on");
  }
  // Asked for first, because newterm() leaks where it does not know the name.
  if (tgetent(nullptr, name.c_str()) != 1) {
    throw NoTerminal("TERM=" + name + " is not known here");
  }
  termios before{};
  tcgetattr(STDIN_FILENO, &before);
  struct sigaction suspend {};
  sigaction(SIGTSTP, nullptr, &suspend);
  screen_ = newterm(nullptr, stdout, stdin);
  if (screen_ == nullptr) {
    throw NoTerminal("TERM=" + name + " cannot be drawn on");
  }
  // The library has its own way to suspend, inside a signal handler.
  sigaction(SIGTSTP, &suspend, nullptr);
  begin_crash_restore(before);
  set_escdelay(escape_delay_ms);
  cbreak();
  noecho();
  keypad(stdscr, TRUE);
  nodelay(stdscr, TRUE);
  curs_set(0);
  stop_flow_control();
  colour_ = colour && begin_colours();
  resize();
}

Screen::~Screen() {
  endwin();
  end_crash_restore();
  delscreen(screen_);
}

Size Screen::size() const {
  return {static_cast<std::size_t>(getmaxx(stdscr)), static_cast<std::size_t>(getmaxy(stdscr))};
}

void Screen::draw(const Frame& frame) {
  erase();
  for (std::size_t row = 0; row < frame.lines.size(); ++row) {
    move(static_cast<int>(row), 0);
    for (const Piece& piece : frame.lines[row]) {
      attrset(static_cast<int>(attributes_of(piece.style, colour_)));
      addnstr(piece.text.data(), static_cast<int>(piece.text.size()));
    }
  }
  attrset(A_NORMAL);
  curs_set(frame.cursor ? 1 : 0);
  if (frame.cursor) {
    move(static_cast<int>(frame.cursor->row), static_cast<int>(frame.cursor->column));
  }
  refresh();
}

std::vector<Key> Screen::keys() {
  std::vector<Key> keys;
  wint_t character = 0;
  for (int kind = get_wch(&character); kind != ERR; kind = get_wch(&character)) {
    const auto code =
        kind == KEY_CODE_YES ? code_of_function_key(character) : code_of_control(character);
    if (code) {
      keys.push_back({*code, ""});
    } else if (kind != KEY_CODE_YES && character == redraw_key) {
      clearok(curscr, TRUE);
    } else if (kind != KEY_CODE_YES && character >= L' ') {
      keys.push_back({Code::text, utf8(character)});
    }
  }
  return keys;
}

void Screen::resize() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0) {
    resizeterm(size.ws_row, size.ws_col);
  }
}

void Screen::suspend() {
  endwin();
  raise(SIGTSTP);
  sigset_t suspend;
  sigemptyset(&suspend);
  sigaddset(&suspend, SIGTSTP);
  sigset_t before;
  pthread_sigmask(SIG_UNBLOCK, &suspend, &before);  // here it stops
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  resume();
}

void Screen::resume() {
  reset_prog_mode();
  clearok(curscr, TRUE);
  resize();
}

}  // namespace heartbeat::hbctl::watch
