// The plan file: what to load, what to run, one line each, written by src/verify/prover-plan.ts.
#pragma once

#include <cstdint>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace rdna1::prover {

/// A line `object <md5> <offset> <bytes>`, or `<kind> <id> <type> name=value …`.
struct Line {
  std::string kind;
  std::string id;   ///< md5 of an object, number of a case
  std::string type; ///< of a case
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::map<std::string, std::int64_t> values;

  /// A value that must be there; throws std::runtime_error naming it.
  std::int64_t get(const std::string& name) const;
};

/// Reads a plan line by line; throws std::runtime_error naming the line that is not understood.
class Plan {
public:
  explicit Plan(const std::string& file);
  /// False at the end.
  bool next(Line& line);

private:
  std::ifstream input_;
  std::string file_;
  int number_ = 0;
};

} // namespace rdna1::prover
