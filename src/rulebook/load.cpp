#include <algorithm>
#include <filesystem>
#include <string_view>
#include <tuple>

#include "base/sha256.hpp"
#include "os/read_file.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/limits.hpp"
#include "rulebook/files.hpp"
#include "rulebook/guest_data.hpp"
#include "rulebook/lint.hpp"
#include "rulebook/source.hpp"
#include "rulebook/storage.hpp"
#include "rulebook/target_data.hpp"

namespace poolcpuid {

namespace fs = std::filesystem;

namespace {

// What lies there for people: what explains the rulebook, and what an editor keeps for itself.
bool is_for_people(const std::string& name) {
    return name == "README.md" || name.starts_with(".") || name.ends_with("~");
}

// Adds the files of a folder. What nothing reads comes without its bytes, for lint to name it.
void add_entries(const fs::path& folder, const std::string& prefix, std::vector<RulebookFile>& files) {
    std::error_code error;
    fs::directory_iterator entry(folder, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        const bool is_folder = prefix.empty() && std::find(rulebook::folders.begin(), rulebook::folders.end(), name) !=
                                                     rulebook::folders.end();
        if (is_folder || is_for_people(name)) continue;
        const std::string path = prefix + name;
        files.push_back({path, rulebook::is_read(path)
                                   ? os::read_regular_file(entry->path().string(), limits::rulebook_file_bytes)
                                   : ""});
    }
    if (error) throw InputError(folder.string(), 0, "a readable directory", error.message());
}

std::string digest_of(const std::vector<RulebookFile>& files) {
    std::string listing;
    for (const RulebookFile& file : files) listing += sha256_hex(file.bytes) + "  " + file.path + "\n";
    return sha256_hex(listing);
}

// As entries of the rulebook: TargetFile or GuestFile.
template <typename Entry>
List<Entry> kept(const std::vector<RulebookFile>& documents, RulebookStorage& storage) {
    std::vector<Entry> files;
    for (const RulebookFile& file : documents) {
        const std::string name = fs::path(file.path).stem().string();
        files.push_back({storage.keep(name), storage.keep(file.bytes)});
    }
    return storage.keep(std::move(files));
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
    std::error_code error;
    if (!fs::is_directory(directory, error)) {
        throw InputError(directory, 0, "a directory that holds a rulebook", "none");
    }
    for (const std::string_view name : rulebook::whole_files) {
        const fs::path path = fs::path(directory) / name;
        if (!fs::exists(path, error)) throw InputError(path.string(), 0, "a file of the rulebook", "none");
    }
    std::vector<RulebookFile> files;
    add_entries(directory, "", files);
    for (const std::string_view folder : rulebook::folders) {
        const fs::path path = fs::path(directory) / folder;
        if (!fs::is_directory(path, error)) throw InputError(path.string(), 0, "a directory of the rulebook", "none");
        add_entries(path, std::string(folder) + "/", files);
    }
    std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
    return files;
}

LoadResult load_rulebook(const std::vector<RulebookFile>& files) {
    LoadResult result;
    std::vector<RulebookFile> promises;
    std::vector<RulebookFile> targets;
    std::vector<RulebookFile> guests;
    std::vector<LintFinding> strays;
    for (const RulebookFile& file : files) {
        if (rulebook::is_read(file.path)) {
            auto& part = rulebook::is_target(file.path) ? targets : rulebook::is_guest(file.path) ? guests : promises;
            part.push_back(file);
        } else {
            strays.push_back({file.path, 0, "", "expected a file that policy/README.md names, found this one"});
        }
    }
    rulebook::SourceRulebook source = rulebook::parse_source(promises, result.findings);
    // Of a name that an entry which cannot be read may have nothing is said.
    const rulebook::SourceRulebook* const names = result.findings.empty() ? &source : nullptr;
    rulebook::lint_targets(targets, names, result.findings);
    rulebook::lint_guests(guests, names, result.findings);
    rulebook::lint(source, result.findings);
    result.findings.insert(result.findings.end(), strays.begin(), strays.end());
    std::stable_sort(result.findings.begin(), result.findings.end(), [](const LintFinding& a, const LintFinding& b) {
        return std::tie(a.file, a.line) < std::tie(b.file, b.line);
    });
    auto storage = std::make_shared<RulebookStorage>();
    if (result.findings.empty()) {
        rulebook::flatten(std::move(source), digest_of(promises), *storage);
        storage->view.targets = kept<TargetFile>(targets, *storage);
        storage->view.guests = kept<GuestFile>(guests, *storage);
    }
    result.rulebook = RulebookLoader::wrap(std::move(storage));
    return result;
}

}  // namespace poolcpuid
