// Views of one host made one: of its logical CPUs what all promise, and of the silicon's and its hypervisor's view what
// guests meet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "promises/atoms.hpp"
#include "promises/table_promises.hpp"
#include "promises/vendor_rules.hpp"

namespace poolcpuid::promises {

// The meet with another logical CPU of the host: a vCPU may run on either.
void join_cpu(const VendorRules& rules, TablePromises& host, const TablePromises& cpu);

// In what the logical CPUs of a host differ from its first one.
class Differing {
public:
    Differing() = default;
    // The rules must outlive it.
    Differing(const VendorRules& rules, const TablePromises& first);

    // Adds what another CPU has otherwise than the first.
    void note(const TablePromises& first, const TablePromises& cpu);

    std::vector<std::uint64_t> words;        // by bit, parallel to VendorRules::words()
    std::vector<bool> numbers;               // parallel to VendorRules::numbers()
    std::map<std::size_t, Number> together;  // of numbers that CPUs tell otherwise: the meet of those that tell one
    std::uint64_t scrubs = 0;                // by guard
    std::uint64_t components = 0;            // XSAVE states that one has and another has not, or elsewhere; by bit
    std::uint64_t layouts = 0;               // those of them that both have

private:
    void add_numbers(const TablePromises& cpu);

    std::vector<std::optional<Number>> told_;
    const VendorRules* rules_ = nullptr;
};

// The bits that some hypervisor makes or emulates, so that the CPU does not decide about them, by word.
std::vector<std::uint64_t> made_by_hypervisors(const VendorRules& rules);

// Takes from a hypervisor's view what a CPU of the host is known to lack and no hypervisor makes, and returns it by
// word: the view is made on one CPU, or is another host's.
std::vector<std::uint64_t> leave_foreign(const VendorRules& rules, TablePromises& view, const TablePromises& hardware);

// Meets a hypervisor's view, which is made on one CPU, with what the silicon's CPUs promise together where they differ.
void meet_differing(const VendorRules& rules, TablePromises& view, const TablePromises& hardware,
                    const Differing& differing);

// Gives a hypervisor's view what only the silicon's tells: its bad news, what it is known not to have, and what VERW
// scrubs.
void widen(const VendorRules& rules, TablePromises& view, const TablePromises& hardware);

}  // namespace poolcpuid::promises
