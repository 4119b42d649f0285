// The small inputs of public reports: files of "cases" beside the corpus of real dumps.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/corpus.hpp"

namespace poolcpuid::test {

// False, with a warning, when the cases are not there.
inline bool have_cases() {
    const auto dumps = dump_directory();
    if (dumps && std::filesystem::is_directory(dumps->parent_path() / "cases")) return true;
    WARN("skipped: no directory of cases (set POOLCPUID_SHARED)");
    return false;
}

// The one host of a case, named as its file is without the extension.
inline HostDump case_host(const std::string& name) {
    const auto path = dump_directory().value().parent_path() / "cases" / (name + ".json");
    std::ifstream in(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    return read_hosts(bytes, path.filename().string()).at(0);
}

}  // namespace poolcpuid::test
