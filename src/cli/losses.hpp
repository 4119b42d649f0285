// What a rendering cannot say, as people are told it: on the page, and in the log of those who see no page.
#pragma once

#include <string>
#include <vector>

#include "poolcpuid/render.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::cli {

// Entries of a rendering that are alike in everything but the field; what only describes is one loss.
struct Loss {
    Telling telling = Telling::otherwise;
    Impact impact = Impact::cosmetic;
    std::vector<std::string> fields{};  // ids, or the registers and bits where no field is
    std::string text{};                 // the fields, why they cannot be said, and what that means for the guest

    std::string heading() const;  // "more (crash): "
};

// What may hurt comes before what is only lost, and there what may crash first; what only describes comes last.
std::vector<Loss> losses_of(const Rendering& rendering, const Rulebook& rulebook);

}  // namespace poolcpuid::cli
