// The event log: one JSON object a line, each written with one write(2) to a file opened O_APPEND, so that several
// processes can share a file. Every event has "event", "pid" and "ms" (milliseconds since the Unix epoch).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rdna1 {

/// One event; fields appear in the order they were added. Costs nothing when there is no log.
class Event {
public:
  explicit Event(std::string_view name);
  Event& text(std::string_view key, std::string_view value);
  Event& number(std::string_view key, std::int64_t value);
  Event& milliseconds(std::string_view key, double value);
  Event& flag(std::string_view key, bool value);
  Event& pointer(std::string_view key, const void* value);
  Event& numbers(std::string_view key, std::span<const std::uint32_t> values);
  Event& texts(std::string_view key, std::span<const std::string> values);
  Event& hex(std::string_view key, std::span<const std::byte> bytes);
  void send();

private:
  void key(std::string_view name);
  bool enabled_;
  std::string line_;
};

/// Opens the log of config(); ends the process with status 2 when the file cannot be opened.
void openLog();

/// Begins every line on stderr: "rdna1-device", or what else the log is part of.
const char* libraryName();

/// One line on stderr, after libraryName().
void complain(std::string_view text);

/// "0x…" for messages.
std::string hexOf(const void* pointer);

} // namespace rdna1
