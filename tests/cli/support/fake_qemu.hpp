// A program that answers QMP as a QEMU without a machine does, for tests of what is asked of it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/cli/support/temporary_directory.hpp"

namespace poolcpuid::test {

struct FakeQemu {
    unsigned major = 11;
    unsigned minor = 1;
    // The boolean properties, each with the second names that it goes by.
    std::map<std::string, std::vector<std::string>> flags;
    // What a property needs: it stays off without that one.
    std::map<std::string, std::string> needs;
    // The properties that are numbers, all 0 but for those that a model sets.
    std::set<std::string> numbers;
    // What each model has on, by the property's first name, and its numbers. "base", which has nothing, is there.
    struct Model {
        std::set<std::string> on;
        std::map<std::string, unsigned> numbers;
        bool is_migration_safe = true;
        std::string alias_of;
    };
    std::map<std::string, Model> models;

    // Writes the program, a shell script, and returns its path.
    std::string write(const TemporaryDirectory& directory) const;
};

}  // namespace poolcpuid::test
