// A directory for one test, gone when the test ends.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace poolcpuid::test {

class TemporaryDirectory {
public:
    // Throws std::runtime_error when there is no room for one.
    TemporaryDirectory();
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory();

    const std::string& path() const noexcept { return path_; }

    // The path of a file in the directory.
    std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }

    // Writes a file, with the directories that it needs, and returns its path.
    std::string write(std::string_view name, std::string_view bytes) const;

    std::string read(std::string_view name) const;
    bool has(std::string_view name) const { return std::filesystem::exists(file(name)); }

    // The names of what is in the directory, sorted, each followed by a blank.
    std::string listing() const;

private:
    std::string path_;
};

// The bytes of a file. Throws std::runtime_error.
std::string bytes_of(const std::string& path);

}  // namespace poolcpuid::test
