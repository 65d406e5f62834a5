#include "cases.hpp"

namespace rdna1::prover {

// Arguments as MIOpen 3.5 passes them [tensor.cpp SetTensor; compared with the launch events of MIOpenDriver runs].
Outcome runSetTensor(const Hip& hip, void* module, const Line& line) {
  const Type type = typeOf(line);
  const std::int64_t offset = line.get("offset");
  const std::int64_t stride = line.get("stride");
  const std::int64_t length = line.get("length");
  const std::uint32_t value = bitsOf(type, static_cast<int>(line.get("value")));
  Elements tensor(type, offset + stride * length, kFiller);
  Elements expected = tensor;
  for (std::int64_t at = 0; at < length; ++at) expected.set(offset + at * stride, value);

  const Buffer target(hip, tensor.data(), tensor.bytes());
  Arguments arguments;
  arguments.add(target.address());
  if (type == Type::fp32) arguments.add(value);
  else arguments.add(static_cast<std::uint16_t>(value));
  for (const std::int64_t number : {offset, stride, length}) arguments.add(static_cast<std::int32_t>(number));
  const auto threads = static_cast<unsigned>(line.get("threads"));
  const unsigned block = threads < 256 ? threads : 256;
  hip.launch(hip.function(module, "SubTensorOpWithScalar1d"), threads, block, arguments.bytes());
  hip.copy(tensor.data(), target.address(), tensor.bytes());
  return compare(expected, tensor);
}

} // namespace rdna1::prover
