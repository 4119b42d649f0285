// The small inputs of public reports: files of "cases" beside the directory of real dumps. Tests of them are tagged
// [corpus], so that ctest skips them where neither is.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "tests/support/corpus.hpp"

namespace poolcpuid::test {

// The one host of a case, named as its file is without the extension.
inline HostDump case_host(const std::string& name) {
    const auto path = dump_directory().parent_path() / "cases" / (name + ".json");
    std::ifstream in(path, std::ios::binary);
    if (!in) throw std::runtime_error("no case " + path.string());
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    HostDump host = read_hosts(bytes, path.filename().string()).at(0);
    host.name = name;
    return host;
}

}  // namespace poolcpuid::test
