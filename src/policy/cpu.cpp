#include "poolcpuid/cpu.hpp"

#include <algorithm>

#include "poolcpuid/registers.hpp"

namespace poolcpuid {

namespace {

std::string family_and_model(const Cpu& cpu) {
    return "family " + std::to_string(cpu.family) + ", model " + std::to_string(cpu.model);
}

}  // namespace

Cpu cpu_of(const Rulebook& rulebook, std::optional<std::size_t> vendor, const Signature& signature) {
    Cpu cpu{{}, {}, signature.family, signature.model, signature.stepping};
    if (const Model* model = vendor ? rulebook.model_of(*vendor, signature) : nullptr) {
        cpu.name = model->name;
        cpu.microarchitecture = model->microarchitecture;
    }
    return cpu;
}

std::optional<Cpu> cpu_of(const Rulebook& rulebook, const CpuidTable& table) {
    const Registers* row = table.find(signature_key);
    const auto vendor = vendor_string(table);
    if (row == nullptr || row->eax == 0 || !vendor) return std::nullopt;
    return cpu_of(rulebook, rulebook.vendor_of(*vendor), signature_of(row->eax));
}

std::string short_text(const Cpu& cpu) {
    if (cpu.name.empty()) return family_and_model(cpu);
    return cpu.name.substr(0, std::min(cpu.name.find(','), cpu.name.find(" (")));
}

std::string full_text(const Cpu& cpu) {
    const std::string numbers = family_and_model(cpu) + ", stepping " + std::to_string(cpu.stepping);
    return cpu.name.empty() ? numbers : cpu.name + " (" + numbers + ")";
}

}  // namespace poolcpuid
