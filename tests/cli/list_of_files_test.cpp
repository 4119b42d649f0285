// --files0-from: the hosts of a verb as a list in a file.

#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/cli/support/run_program.hpp"
#include "tests/cli/support/sample_hosts.hpp"
#include "tests/cli/support/temporary_directory.hpp"

namespace poolcpuid::test::list_of_files_test {

using Catch::Contains;
using Arguments = std::vector<std::string>;

namespace {

Arguments operator+(Arguments all, const Arguments& more) {
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

// Files in a directory that is the current one of its runs.
class Pool {
public:
    void add(const std::string& name, const std::string& bytes) {
        dir_.write(name, bytes);
        files_.push_back(name);
    }

    const TemporaryDirectory& directory() const noexcept { return dir_; }
    const Arguments& files() const noexcept { return files_; }
    Result here(const Arguments& arguments) const { return run(arguments, {.directory = dir_.path()}); }

private:
    TemporaryDirectory dir_;
    Arguments files_;
};

}  // namespace

TEST_CASE("--files0-from takes hosts from a list", "[merge][hosts][check][convert]") {
    Pool pool;
    for (const char* name : {"a", "b", "c"}) pool.add(std::string(name) + ".json", document(amd_host(name)));
    REQUIRE(pool.here(Arguments{"merge", "-o", "pool.json"} + pool.files()).status == 0);
    std::string list;
    for (const std::string& file : pool.files()) list += file + '\0';
    pool.directory().write("list", list);
    pool.directory().write("unended", list.substr(0, list.size() - 1));
    const std::string& directory = pool.directory().path();
    for (const char* verb : {"merge", "hosts", "check", "convert"}) {
        INFO(verb);
        Arguments arguments{verb};
        if (arguments.front() == "check") arguments.emplace_back("pool.json");
        if (arguments.front() == "convert") arguments = arguments + Arguments{"--to", "ndjson"};
        const std::string expected = pool.here(arguments + pool.files()).out;
        CHECK(pool.here(arguments + Arguments{"--files0-from", "list"}).out == expected);
        CHECK(pool.here(arguments + Arguments{"--files0-from", "unended"}).out == expected);
        CHECK(run(arguments + Arguments{"--files0-from", "-"}, {.input = list, .directory = directory}).out ==
              expected);
        CHECK(pool.here(arguments).status == 2);
        CHECK_THAT(pool.here(arguments).err, Contains("HOST, or --files0-from, is required (see"));
        const Result both = pool.here(arguments + Arguments{"a.json", "--files0-from", "list"});
        CHECK(both.status == 2);
        CHECK_THAT(both.err, Contains("--files0-from takes the place of HOST: a.json is one too many"));
    }
    pool.directory().write("named", std::string("x=a.json\0", 9));
    CHECK_THAT(pool.here({"merge", "--files0-from", "named"}).out, Contains("\"x\""));
}

TEST_CASE("a list of hosts that is none is refused", "[merge][hosts]") {
    Pool pool;
    pool.add("a.json", document(amd_host("a")));
    struct Case {
        std::string list;
        int status;
        std::string message;
    };
    for (const Case& each :
         {Case{std::string("a.json\0\0a.json\0", 15), 3,
               "stdin: expected the name of a file before each NUL byte, found none before number 2"},
          Case{std::string("\0", 1), 3, "found none before number 1"},
          Case{"", 3, "stdin: expected at least one name, found none"},
          Case{"a.json\nb.json\n", 3, "names that end with NUL bytes, as find -print0 writes them"},
          Case{std::string("a.json\0-\0", 9), 2, "the list is standard input, and so no host can be (-)"},
          Case{std::string("x=-\0", 4), 2, "no host can be (x=-)"}}) {
        const Result result =
            run({"merge", "--files0-from", "-"}, {.input = each.list, .directory = pool.directory().path()});
        INFO(result.text());
        CHECK(result.status == each.status);
        CHECK(result.out.empty());
        CHECK_THAT(result.err, Contains(each.message));
    }
    const Result absent = pool.here({"hosts", "--files0-from", "absent"});
    CHECK(absent.status == 3);
    CHECK_THAT(absent.err, Contains("absent: expected a readable list of files, found"));
}

}  // namespace poolcpuid::test::list_of_files_test
