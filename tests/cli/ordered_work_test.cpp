// Work on several threads: its results come in the order in which it was given, whatever the number of threads.
#include "cli/ordered_work.hpp"

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/catch.hpp"

namespace poolcpuid::test::ordered_work_test {

using cli::OrderedWork;

TEST_CASE("results are taken in the order of the work", "[ordered_work]") {
    for (const std::size_t threads : {1U, 2U, 7U}) {
        std::vector<int> taken;
        OrderedWork<int> work(threads, [&](int&& result) { taken.push_back(result); });
        for (int i = 0; i < 200; ++i) {
            work.give([i] {
                if (i % 5 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
                return i;
            });
        }
        work.finish();
        REQUIRE(taken.size() == 200);
        for (int i = 0; i < 200; ++i) CHECK(taken[static_cast<std::size_t>(i)] == i);
    }
}

TEST_CASE("small work is done where it is given as long as no other was", "[ordered_work]") {
    std::vector<int> taken;
    std::vector<std::thread::id> done_by(4);
    OrderedWork<int> work(2, [&](int&& result) { taken.push_back(result); });
    const auto numbered = [&](std::size_t number) {
        return [&done_by, number] {
            done_by[number] = std::this_thread::get_id();
            return static_cast<int>(number);
        };
    };
    work.give_small(numbered(0));
    CHECK(taken == std::vector{0});
    work.give(numbered(1));
    work.give_small(numbered(2));
    work.give(numbered(3));
    work.finish();
    CHECK(taken == std::vector{0, 1, 2, 3});
    CHECK(done_by[0] == std::this_thread::get_id());
    CHECK(done_by[2] != std::this_thread::get_id());
}

TEST_CASE("what work throws is thrown where its result would be taken", "[ordered_work]") {
    for (const std::size_t threads : {1U, 3U}) {
        std::size_t taken = 0;
        OrderedWork<int> work(threads, [&](int&&) { ++taken; });
        const auto all = [&] {
            for (int i = 0; i < 50; ++i) {
                work.give([i]() -> int { return i == 20 ? throw std::runtime_error("twenty") : i; });
            }
            work.finish();
        };
        CHECK_THROWS_WITH(all(), "twenty");
        CHECK(taken == 20);
    }
}

TEST_CASE("work that nobody waits for is given up", "[ordered_work]") {
    OrderedWork<int> work(2, [](int&&) { throw std::runtime_error("no more"); });
    CHECK_THROWS(([&] {
        for (int i = 0; i < 100; ++i) work.give([i] { return i; });
        work.finish();
    }()));
}

}  // namespace poolcpuid::test::ordered_work_test
