#include <algorithm>
#include <array>
#include <filesystem>
#include <tuple>

#include "base/sha256.hpp"
#include "os/read_file.hpp"
#include "poolcpuid/error.hpp"
#include "rulebook/lint.hpp"
#include "rulebook/source.hpp"
#include "rulebook/storage.hpp"

namespace poolcpuid {

namespace fs = std::filesystem;

namespace {

constexpr std::array whole_files{"dependencies.json", "equality.json", "levels.json",
                                 "models.json",       "rulebook.json", "xsave.json"};

constexpr std::size_t most_bytes = std::size_t{16} << 20;  // of one file; ours have some 100,000

std::string digest_of(const std::vector<RulebookFile>& files) {
    std::string listing;
    for (const RulebookFile& file : files) listing += sha256_hex(file.bytes) + "  " + file.path + "\n";
    return sha256_hex(listing);
}

}  // namespace

struct RulebookLoader {
    static LoadedRulebook wrap(std::shared_ptr<const RulebookStorage> storage) {
        LoadedRulebook loaded;
        loaded.storage_ = std::move(storage);
        return loaded;
    }
};

const Rulebook& LoadedRulebook::view() const noexcept { return storage_->view; }

std::string LintFinding::text() const {
    std::string result = file;
    if (line != 0) result += ":" + std::to_string(line);
    result += ": ";
    if (!field.empty()) result += field + ": ";
    return result + message;
}

std::vector<RulebookFile> read_rulebook_directory(const std::string& directory) {
    std::vector<RulebookFile> files;
    std::error_code error;
    if (!fs::is_directory(directory, error)) {
        throw InputError(directory, 0, "a directory that holds a rulebook", "none");
    }
    for (const char* name : whole_files) {
        const fs::path path = fs::path(directory) / name;
        if (!fs::exists(path, error)) throw InputError(path.string(), 0, "a file of the rulebook", "none");
        files.push_back({name, os::read_regular_file(path.string(), most_bytes)});
    }
    for (const char* folder : {"cpuid", "msr"}) {
        const fs::path path = fs::path(directory) / folder;
        if (!fs::is_directory(path, error)) throw InputError(path.string(), 0, "a directory of the rulebook", "none");
        for (fs::directory_iterator entry(path, error); !error && entry != fs::directory_iterator();
             entry.increment(error)) {
            const std::string name = entry->path().filename().string();
            if (name.starts_with(".") || entry->path().extension() != ".json") continue;
            files.push_back(
                {std::string(folder) + "/" + name, os::read_regular_file(entry->path().string(), most_bytes)});
        }
        if (error) throw InputError(path.string(), 0, "a readable directory", error.message());
    }
    std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
    return files;
}

LoadResult load_rulebook(const std::vector<RulebookFile>& files) {
    LoadResult result;
    rulebook::SourceRulebook source = rulebook::parse_source(files, result.findings);
    rulebook::lint(source, result.findings);
    std::stable_sort(result.findings.begin(), result.findings.end(), [](const LintFinding& a, const LintFinding& b) {
        return std::tie(a.file, a.line) < std::tie(b.file, b.line);
    });
    auto storage = std::make_shared<RulebookStorage>();
    if (result.findings.empty()) rulebook::flatten(std::move(source), digest_of(files), *storage);
    result.rulebook = RulebookLoader::wrap(std::move(storage));
    return result;
}

}  // namespace poolcpuid
