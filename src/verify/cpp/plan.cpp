#include "plan.hpp"

#include <sstream>
#include <stdexcept>

namespace rdna1::prover {

std::int64_t Line::get(const std::string& name) const {
  const auto found = values.find(name);
  if (found == values.end()) throw std::runtime_error("case " + id + " (" + kind + ") lacks " + name);
  return found->second;
}

Plan::Plan(const std::string& file) : input_(file), file_(file) {
  if (!input_) throw std::runtime_error("cannot read " + file);
}

bool Plan::next(Line& line) {
  std::string text;
  if (!std::getline(input_, text)) return false;
  ++number_;
  std::istringstream words(text);
  line = Line();
  bool good = static_cast<bool>(words >> line.kind >> line.id);
  if (line.kind == "object") good = good && static_cast<bool>(words >> line.offset >> line.bytes);
  else good = good && static_cast<bool>(words >> line.type);
  for (std::string word; good && words >> word;) {
    const auto equals = word.find('=');
    std::istringstream number(equals == std::string::npos ? "" : word.substr(equals + 1));
    good = static_cast<bool>(number >> line.values[word.substr(0, equals)]) && number.eof();
  }
  if (!good) throw std::runtime_error(file_ + ":" + std::to_string(number_) + ": not understood: " + text);
  return true;
}

} // namespace rdna1::prover
