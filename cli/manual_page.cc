// SPDX-License-Identifier: MIT
#include "cli/manual_page.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <sstream>
#include <string>

#include "cli/version.h"

namespace holdover::cli {
namespace {

// Text as it stands: what roff would read as its own is marked.
std::string plain(const std::string& text) {
  std::string marked;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && (c == '.' || c == '\'')) marked += "\\&";
    line_begins = c == '\n';
    if (c == '\\') {
      marked += "\\e";
    } else if (c == '-') {
      marked += "\\-";
    } else if (c == '`') {
      marked += "\\(ga";
    } else if (c == '\'') {
      marked += "\\(aq";
    } else {
      marked += c;
    }
  }
  return marked;
}

void print_options(std::ostream& out, const CLI::App& verb) {
  for (const std::string& group : verb.get_groups()) {
    bool first = true;
    for (const CLI::Option* option : verb.get_options()) {
      if (option->get_group() != group || group.empty()) continue;
      if (first && group != "Options") out << ".PP\n.I " << plain(group) << "\n";
      first = false;
      const bool positional = option->get_positional();
      out << ".TP\n.B " << plain(positional ? option->get_name(true) : option->get_name(false, true));
      if (const std::string type = option->get_type_name(); option->get_items_expected_max() > 0 && !positional) {
        out << " \\fI" << plain(type) << "\\fR";
      }
      out << "\n" << plain(option->get_description()) << "\n";
    }
  }
}

void print_as_it_stands(std::ostream& out, const std::string& text) {
  if (!text.empty()) out << ".PP\n.nf\n" << plain(text) << "\n.fi\n";
}

void print_verb(std::ostream& out, const CLI::App& verb, const std::string& before) {
  const std::string name = before + verb.get_name();
  out << ".SS \"holdover " << plain(name) << "\"\n" << plain(verb.get_description()) << "\n";
  print_options(out, verb);
  print_as_it_stands(out, verb.get_footer());
  for (const CLI::App* below : verb.get_subcommands([](const CLI::App* app) { return !app->get_group().empty(); })) {
    print_verb(out, *below, name + " ");
  }
}

}  // namespace

void print_manual_page(std::ostream& out, const CLI::App& app) {
  const std::string about = app.get_description();
  out << ".\\\" Written by `holdover manual`.\n"
      << ".TH HOLDOVER 1 \"\" \"holdover " << plain(kVersion) << "\" \"User Commands\"\n"
      << ".SH NAME\nholdover \\- hardware\\-in\\-the\\-loop test bench for PCIe endpoints\n"
      << ".SH SYNOPSIS\n.B holdover\n.I command\n.RI [ option ...]\n"
      << ".SH DESCRIPTION\n"
      << plain(about) << "\n";
  print_options(out, app);
  out << ".SH COMMANDS\n";
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App* each) { return !each->get_group().empty(); })) {
    print_verb(out, *verb, "");
  }
  const std::string footer = app.get_footer();
  const std::size_t codes = footer.find("Exit codes: ");
  out << ".SH EXAMPLES\n";
  print_as_it_stands(out, footer.substr(0, codes));
  if (codes != std::string::npos) {
    constexpr std::size_t kHeading = 12;  // «Exit codes: »
    out << ".SH \"EXIT STATUS\"\n" << plain(footer.substr(codes + kHeading)) << "\n";
  }
  out << ".SH \"SEE ALSO\"\nThe pages in /usr/share/doc/holdover.\n";
}

Command add_manual_command(CLI::App& app) {
  CLI::App* verb = app.add_subcommand("manual", "The manual page, as roff");
  verb->group("");
  return {verb, [&app] {
            print_manual_page(std::cout, app);
            require_written();
            return 0;
          }};
}

}  // namespace holdover::cli
