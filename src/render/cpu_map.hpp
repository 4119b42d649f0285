// libvirt's cpu_map, wherever its files come from.
#pragma once

#include <functional>
#include <string>

#include "poolcpuid/vmm_facts.hpp"

namespace poolcpuid::render {

// The bytes of a file of the map. Throws InputError when there are none.
using CpuMapFile = std::function<std::string(const std::string& name)>;

// The map of these files, from index.xml on; directory names them in messages. Throws as read_cpu_map does.
CpuMap cpu_map_of(const std::string& directory, const CpuMapFile& bytes_of);

}  // namespace poolcpuid::render
