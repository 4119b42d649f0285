// The conversation with a QEMU: what it is asked in QMP, and what is made of its answers.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "poolcpuid/vmm_facts.hpp"

namespace poolcpuid::render {

// What carries the lines of a conversation. Both may throw, to end it.
struct QmpLines {
    std::function<void(std::string_view line)> write;  // with its line feed
    std::function<std::string()> read;                 // without
};

// What ask_qemu and ask_qemu_models ask of the program at the other end, from its greeting on. program names it in
// messages. Both throw InputError when an answer is none that a QEMU for x86-64 gives, and what lines throws;
// facts_over also UsageError, as ask_qemu does.
QemuFacts facts_over(const QmpLines& lines, const std::string& program, const std::string& model,
                     const std::set<std::string>& wanted);
QemuModels models_over(const QmpLines& lines, const std::string& program, const std::set<std::string>& names,
                       const std::set<std::string>& wanted = {});

}  // namespace poolcpuid::render
