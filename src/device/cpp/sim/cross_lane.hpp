// Operations that are not the same in every lane, or that choose their registers when they execute.
#pragma once

#include "vector.hpp"

namespace rdna1::sim {

/// v_readfirstlane_b32: of the lowest lane that is on, lane 0 when none is.
Body readFirstLane();
/// v_readlane_b32, v_writelane_b32: lane number modulo the wave size; EXEC does not matter.
Body readLane();
Body writeLane();
/// v_permlane16_b32: each lane takes the value of a lane of its row of 16, v_permlanex16_b32: of the other row of the
/// 32. Lane 16 r + i takes number i of the 16 four-bit numbers in src2:src1. op_sel bit 0: lanes that are off may be
/// read (FI); bit 1: where they may not, 0 is read instead of leaving the destination (BOUND_CTRL).
Body permuteRow(bool otherRow);
/// v_swap_b32: exchanges two registers.
Body swap();

/// v_movreld_b32, v_movrels_b32, v_movrelsd_b32, v_movrelsd_2_b32, v_swaprel_b32: M0, or its bits 25-16 and 9-0, added
/// to the number of the destination or the source. Registers that are not allocated are a fault.
Body moveRelativeDestination();
Body moveRelativeSource();
Body moveRelativeBoth();
Body moveRelativeBoth2();
Body swapRelative();

/// v_nop, v_pipeflush, v_clrexcp: nothing that is simulated.
Body nothing();

} // namespace rdna1::sim
