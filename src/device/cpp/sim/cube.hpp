// The faces of a cube map: 0 +x, 1 -x, 2 +y, 3 -y, 4 +z, 5 -z [RDNA1 ISA §12.11, v_cube*].
#pragma once

#include <cmath>

namespace rdna1::sim {

enum class CubeAxis { x, y, z };

/// The component of largest magnitude; z before y before x.
inline CubeAxis cubeAxis(float x, float y, float z) {
  if (std::fabs(z) >= std::fabs(x) && std::fabs(z) >= std::fabs(y)) return CubeAxis::z;
  return std::fabs(y) >= std::fabs(x) ? CubeAxis::y : CubeAxis::x;
}

inline float cubeFace(float x, float y, float z) {
  switch (cubeAxis(x, y, z)) {
  case CubeAxis::z: return z < 0 ? 5 : 4;
  case CubeAxis::y: return y < 0 ? 3 : 2;
  default: return x < 0 ? 1 : 0;
  }
}
inline float cubeS(float x, float y, float z) {
  switch (cubeAxis(x, y, z)) {
  case CubeAxis::z: return z < 0 ? -x : x;
  case CubeAxis::y: return x;
  default: return x < 0 ? z : -z;
  }
}
inline float cubeT(float x, float y, float z) {
  switch (cubeAxis(x, y, z)) {
  case CubeAxis::y: return y < 0 ? -z : z;
  default: return -y;
  }
}
inline float cubeMajor(float x, float y, float z) {
  switch (cubeAxis(x, y, z)) {
  case CubeAxis::z: return 2 * z;
  case CubeAxis::y: return 2 * y;
  default: return 2 * x;
  }
}

} // namespace rdna1::sim
