// Hardware registers that s_getreg and s_setreg reach [RDNA1 ISA §3.4-3.6, LLVM AMDGPU hwreg].
#pragma once

#include "program.hpp"

namespace rdna1::sim {

/// What is wrong with reading (or writing) the field that SIMM16 names: a register that kernels cannot use, or bits
/// beyond it. Empty when it is all right.
std::string checkHardwareRegister(std::int32_t immediate, bool write);

void getHardwareRegister(Wave& wave, const Step& step);
void setHardwareRegister(Wave& wave, const Step& step);

} // namespace rdna1::sim
