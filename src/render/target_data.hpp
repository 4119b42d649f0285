// The data of targets as render uses it.
#pragma once

#include "promises/vendor_rules.hpp"
#include "rulebook/target_data.hpp"

namespace poolcpuid::render {

using rulebook::AddedField;
using rulebook::Condition;
using rulebook::CopiedRegister;
using rulebook::DataPlace;
using rulebook::DroppedProperty;
using rulebook::FeatureWord;
using rulebook::FirecrackerData;
using rulebook::FixedBits;
using rulebook::is_for;
using rulebook::KvmData;
using rulebook::LeafRange;
using rulebook::LeafSwitch;
using rulebook::LibvirtData;
using rulebook::ModelNumbers;
using rulebook::NumberProperty;
using rulebook::ProxmoxData;
using rulebook::QemuData;
using rulebook::RaisedBy;
using rulebook::Releases;
using rulebook::RowWords;
using rulebook::SayableNumber;
using rulebook::ShownBits;
using rulebook::Switch;
using rulebook::TcgStates;
using rulebook::TurnedOn;
using rulebook::VirtualBoxData;
using rulebook::VmwareData;
using rulebook::XenTarget;

// The first register of a place.
inline promises::RegisterPlace first_register(const DataPlace& place) {
    return {place.is_msr, {place.leaf_first, place.subleaf_first}, place.registers.front()};
}

}  // namespace poolcpuid::render
