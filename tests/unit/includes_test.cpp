// The folders of src stand above one another: what one includes does not include it, over however many others.

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/catch.hpp"

namespace poolcpuid::test::includes_test {

namespace fs = std::filesystem;

namespace {

// The folders that each includes, each with a file that does.
using Includes = std::map<std::string, std::map<std::string, std::string>>;

// The folder of a line that includes a file of one; else nothing.
std::string included_folder(const std::string& line) {
    const std::string opening = "#include \"";
    if (!line.starts_with(opening)) return {};
    const auto slash = line.find('/', opening.size());
    return slash == std::string::npos ? "" : line.substr(opening.size(), slash - opening.size());
}

// The public headers are a folder, too.
void add_file(const fs::path& file, const std::string& folder, Includes& includes) {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
        const std::string other = included_folder(line);
        if (!other.empty() && other != folder) includes[folder].emplace(other, file.filename().string());
    }
}

Includes read_includes() {
    Includes includes;
    const fs::path source = POOLCPUID_SOURCE_DIR;
    std::size_t files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(source / "src")) {
        const std::string extension = entry.path().extension().string();
        if (extension != ".cpp" && extension != ".hpp") continue;
        add_file(entry.path(), fs::relative(entry.path(), source / "src").begin()->string(), includes);
        ++files;
    }
    REQUIRE(files > 50);
    for (const auto& entry : fs::directory_iterator(source / "include/poolcpuid")) {
        add_file(entry.path(), "poolcpuid", includes);
    }
    return includes;
}

// Follows includes from the last of way; the first way on which a folder comes back, "a (x.cpp) > b (y.cpp) > a".
class Circles {
public:
    explicit Circles(const Includes& includes) : includes_(includes) {}

    std::string first() {
        for (const auto& [folder, others] : includes_) {
            const std::string circle = from(folder, folder);
            if (!circle.empty()) return circle;
        }
        return {};
    }

private:
    std::string from(const std::string& folder, const std::string& way) {
        if (open_.contains(folder)) return way;
        if (!seen_.insert(folder).second) return {};
        open_.insert(folder);
        const auto at = includes_.find(folder);
        if (at != includes_.end()) {
            for (const auto& [other, file] : at->second) {
                const std::string circle = from(other, way + " (" + file + ") > " + other);
                if (!circle.empty()) return circle;
            }
        }
        open_.erase(folder);
        return {};
    }

    const Includes& includes_;
    std::set<std::string> seen_;
    std::set<std::string> open_;  // those on the way
};

}  // namespace

TEST_CASE("no folder of the source includes one that includes it", "[includes]") {
    const Includes includes = read_includes();
    CHECK(includes.at("compare").contains("merge"));
    CHECK(Circles(includes).first().empty());
}

TEST_CASE("a circle of folders is found over others", "[includes]") {
    const Includes includes{{"a", {{"b", "x.cpp"}}}, {"b", {{"c", "y.cpp"}}}, {"c", {{"b", "z.cpp"}}}};
    CHECK(Circles(includes).first() == "a (x.cpp) > b (y.cpp) > c (z.cpp) > b");
}

}  // namespace poolcpuid::test::includes_test
