#include "report/html.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "base/printable.hpp"

namespace poolcpuid::report {

namespace {

// Elements that start a line of their own, so that two pages can be compared with a tool for lines.
constexpr std::array<std::string_view, 24> line_starters{
    "html", "head", "meta",    "title", "body",  "header", "nav", "main", "section", "footer", "h1",    "h2",
    "h3",   "p",    "caption", "table", "tbody", "thead",  "tr",  "li",   "ul",      "dl",     "style", "script"};

}  // namespace

std::string escaped(std::string_view text) {
    const std::string shown = printable(text);
    std::string result;
    result.reserve(shown.size());
    for (const char c : shown) {
        switch (c) {
            case '&': result += "&amp;"; break;
            case '<': result += "&lt;"; break;
            case '>': result += "&gt;"; break;
            case '"': result += "&quot;"; break;
            case '\'': result += "&#39;"; break;
            default: result += c;
        }
    }
    return result;
}

Html::Element::Element(std::string& out, Tag tag) : out_(out), end_("</" + std::string(tag.name()) + ">") {}

Html::Html() : out_("<!DOCTYPE html>") {}

void Html::start(Tag tag, Attributes attributes) {
    if (std::find(line_starters.begin(), line_starters.end(), tag.name()) != line_starters.end()) out_ += '\n';
    out_ += '<';
    out_ += tag.name();
    for (const Attribute& attribute : attributes) {
        out_ += ' ';
        out_ += attribute.name.name();
        out_ += "=\"";
        out_ += escaped(attribute.value);
        out_ += '"';
    }
    out_ += '>';
}

Html::Element Html::open(Tag tag, Attributes attributes) {
    start(tag, attributes);
    return {out_, tag};
}

void Html::element(Tag tag, std::string_view text) { element(tag, {}, text); }

void Html::element(Tag tag, Attributes attributes, std::string_view content) {
    const Element whole = open(tag, attributes);
    text(content);
}

void Html::void_element(Tag tag, Attributes attributes) { start(tag, attributes); }

void Html::text(std::string_view text) { out_ += escaped(text); }

void Html::literal(Tag tag, std::string_view content) {
    if (content.find("</") != std::string_view::npos || content.find("<!--") != std::string_view::npos) {
        throw std::logic_error("a style or script that would end early");
    }
    const Element whole = open(tag);
    out_ += content;
}

void Html::inline_style(std::string_view css) { literal("style", css); }

void Html::inline_script(std::string_view javascript) { literal("script", javascript); }

}  // namespace poolcpuid::report
