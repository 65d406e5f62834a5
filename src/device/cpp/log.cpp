#include "log.hpp"

#include "config.hpp"
#include "hexadecimal.hpp"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace rdna1 {
namespace {

// Opened when the first event is made, which start.cpp does while the library is loaded.
int logDescriptor() {
  static const int descriptor = [] {
    const std::string& file = config().logFile;
    if (file.empty()) return -1;
    const int opened = open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (opened < 0) {
      complain("event log: cannot open " + file + ": " + std::strerror(errno));
      _exit(2);
    }
    return opened;
  }();
  return descriptor;
}

void quote(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (code < 0x20 || code >= 0x7f) { // names and options are ASCII; other bytes are kept as Latin-1 escapes
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", code);
      out += escaped;
    } else {
      out += c;
    }
  }
  out += '"';
}

} // namespace

Event::Event(std::string_view name) : enabled_(logDescriptor() >= 0) {
  if (!enabled_) return;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  line_ = "{";
  text("event", name);
  number("pid", getpid());
  milliseconds("ms", std::chrono::duration<double, std::milli>(now).count());
}

void Event::key(std::string_view name) {
  if (line_.size() > 1) line_ += ',';
  quote(line_, name);
  line_ += ':';
}

Event& Event::text(std::string_view name, std::string_view value) {
  if (!enabled_) return *this;
  key(name);
  quote(line_, value);
  return *this;
}

Event& Event::number(std::string_view name, std::int64_t value) {
  if (!enabled_) return *this;
  key(name);
  line_ += std::to_string(value);
  return *this;
}

Event& Event::milliseconds(std::string_view name, double value) {
  if (!enabled_) return *this;
  key(name);
  char digits[64];
  std::snprintf(digits, sizeof digits, "%.3f", value);
  line_ += digits;
  return *this;
}

Event& Event::flag(std::string_view name, bool value) {
  if (!enabled_) return *this;
  key(name);
  line_ += value ? "true" : "false";
  return *this;
}

Event& Event::pointer(std::string_view name, const void* value) { return enabled_ ? text(name, hexOf(value)) : *this; }

Event& Event::numbers(std::string_view name, std::span<const std::uint32_t> values) {
  if (!enabled_) return *this;
  key(name);
  char separator = '[';
  for (const std::uint32_t value : values) {
    line_ += separator + std::to_string(value);
    separator = ',';
  }
  line_ += values.empty() ? "[]" : "]";
  return *this;
}

Event& Event::texts(std::string_view name, std::span<const std::string> values) {
  if (!enabled_) return *this;
  key(name);
  char separator = '[';
  for (const std::string& value : values) {
    line_ += separator;
    quote(line_, value);
    separator = ',';
  }
  line_ += values.empty() ? "[]" : "]";
  return *this;
}

Event& Event::hex(std::string_view name, std::span<const std::byte> bytes) {
  if (!enabled_) return *this;
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string digits;
  for (const std::byte value : bytes) {
    digits += kDigits[std::to_integer<unsigned>(value) >> 4];
    digits += kDigits[std::to_integer<unsigned>(value) & 15];
  }
  return text(name, digits);
}

void Event::send() {
  if (!enabled_) return;
  line_ += "}\n";
  if (write(logDescriptor(), line_.data(), line_.size()) != static_cast<ssize_t>(line_.size())) {
    complain(std::string("cannot write the event log: ") + std::strerror(errno));
    _exit(2); // a log with holes would be taken for proof
  }
  enabled_ = false;
}

void openLog() { logDescriptor(); }

void complain(std::string_view text) {
  std::string line = std::string(libraryName()) + ": " + std::string(text) + "\n";
  [[maybe_unused]] const auto written = write(STDERR_FILENO, line.data(), line.size());
}

std::string hexOf(const void* pointer) { return hexadecimal(reinterpret_cast<std::uintptr_t>(pointer)); }

} // namespace rdna1
