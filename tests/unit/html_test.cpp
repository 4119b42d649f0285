// The writer of HTML: no text can become markup, and what a literal is taken for is bounded.

#include "report/html.hpp"

#include <stdexcept>
#include <string>
#include <utility>

#include "base/sha256.hpp"
#include "tests/catch.hpp"

namespace poolcpuid::test::html_test {

using namespace poolcpuid::report;
using Catch::Contains;

namespace {

// What is written by body, without the document type.
template <typename Body>
std::string written(Body body) {
    Html html;
    body(html);
    return html.take().substr(std::string("<!DOCTYPE html>").size());
}

}  // namespace

TEST_CASE("every character that HTML gives a meaning is escaped, in text and in attributes", "[report][html]") {
    CHECK(escaped(R"(<a href="x" b='y'>&amp;)") == "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;");
    CHECK(written([](Html& html) {
              html.element("b", {{"title", "\"><script>"}}, "</b><script>");
          }) == "<b title=\"&quot;&gt;&lt;script&gt;\">&lt;/b&gt;&lt;script&gt;</b>");
    CHECK(written([](Html& html) { html.text("1 < 2 & 3"); }) == "1 &lt; 2 &amp; 3");
    CHECK(escaped("Köln ◆ “…”") == "Köln ◆ “…”");
}

TEST_CASE("what cannot be seen is shown", "[report][html]") {
    CHECK(escaped("a\nb\x1b[0m") == "a\\u{a}b\\u{1b}[0m");
    CHECK(escaped("\xE2\x80\xAEtxt") == "\\u{202e}txt");  // right-to-left override
    CHECK(escaped("\xC2\x85\xE2\x80\xA8") == "\\u{85}\\u{2028}");
    CHECK(escaped("\xFF<") == "\\xff&lt;");
    CHECK(escaped(std::string("a\0b", 3)) == "a\\u{0}b");
}

TEST_CASE("elements close in the order of their scopes", "[report][html]") {
    CHECK(written([](Html& html) {
              const auto outer = html.open("div", {{"id", "x"}});
              {
                  const auto inner = html.open("b");
                  html.text("in");
              }
              html.void_element("input", {{"type", "search"}});
              html.element("i", "");
          }) == "<div id=\"x\"><b>in</b><input type=\"search\"><i></i></div>");
    CHECK(written([](Html& html) { html.element("p", "line"); }) == "\n<p>line</p>");
}

TEST_CASE("a style or script that would end early is refused", "[report][html]") {
    Html html;
    CHECK_THROWS_AS(html.inline_style("a{}</style>"), std::logic_error);
    CHECK_THROWS_AS(html.inline_script("'<!--'"), std::logic_error);
    CHECK(written([](Html& page) { page.inline_script("1 < 2 && 'a'"); }) == "\n<script>1 < 2 && 'a'</script>");
}

TEST_CASE("the page's style and script are in the program", "[report][html]") {
    CHECK_THAT(std::string(page_style), Contains("prefers-color-scheme: dark") && Contains("@media print"));
    CHECK_THAT(std::string(page_script), Contains("\"use strict\"") && Contains("until-found"));
    CHECK(page_style.find("url(") == std::string_view::npos);
    CHECK(page_style.find("@import") == std::string_view::npos);
}

TEST_CASE("a digest in base64 is what openssl prints", "[report]") {
    // printf abc | openssl dgst -sha256 -binary | base64
    CHECK(sha256_base64("abc") == "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
    CHECK(sha256_base64("") == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

}  // namespace poolcpuid::test::html_test
