#include "tests/cli/support/temporary_directory.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>
#include <system_error>

namespace poolcpuid::test {

namespace fs = std::filesystem;

TemporaryDirectory::TemporaryDirectory() : path_((fs::temp_directory_path() / "poolcpuid-test-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("no temporary directory");
}

TemporaryDirectory::~TemporaryDirectory() {
    std::error_code ignored;
    fs::permissions(path_, fs::perms::owner_all, ignored);
    fs::remove_all(path_, ignored);
}

std::string TemporaryDirectory::write(std::string_view name, std::string_view bytes) const {
    const fs::path target = file(name);
    fs::create_directories(target.parent_path());
    std::ofstream out(target, std::ios::binary);
    out << bytes;
    out.close();
    if (!out) throw std::runtime_error(target.string() + " cannot be written");
    return target.string();
}

std::string TemporaryDirectory::read(std::string_view name) const { return bytes_of(file(name)); }

std::string TemporaryDirectory::listing() const {
    std::set<std::string> names;
    for (const fs::directory_entry& entry : fs::directory_iterator(path_))
        names.insert(entry.path().filename().string());
    std::string text;
    for (const std::string& name : names) text += name + " ";
    return text;
}

std::string bytes_of(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(in), {}};
    if (!in) throw std::runtime_error(path + " cannot be read");
    return bytes;
}

}  // namespace poolcpuid::test
