// MD5 (RFC 1321). Not for security: MIOpen's kernel database names its objects by MD5, and so does the event log.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace rdna1 {

/// 32 lower-case hexadecimal digits.
std::string md5(std::span<const std::byte> bytes);

} // namespace rdna1
