#include "cli/cpu_name.hpp"

namespace poolcpuid::cli {

std::string cpu_name(const PoolPolicy& policy, const Rulebook& rulebook) {
    const CpuidTable table{policy.cpuid, {}};
    const Registers* row = table.find(signature_key);
    const auto vendor = rulebook.vendor_of(policy.vendor);
    const Signature signature = signature_of(row == nullptr ? 0 : row->eax);
    const std::string text = "family " + std::to_string(signature.family) + ", model " +
                             std::to_string(signature.model) + ", stepping " + std::to_string(signature.stepping);
    const Model* model = vendor ? rulebook.model_of(*vendor, signature) : nullptr;
    return model == nullptr ? text : std::string(model->name) + " (" + text + ")";
}

}  // namespace poolcpuid::cli
