// SPDX-License-Identifier: MIT
#include "cli/devices_report.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <ostream>

namespace holdover::cli {
namespace {

using host::SurveyedFunction;

std::string link_of(const SurveyedFunction& function) {
  if (function.link_speed.empty()) return "no link";
  const auto speed = [](const std::string& text) { return text.substr(0, text.find(" PCIe")); };
  std::string text = speed(function.link_speed) + " x" + function.link_width;
  if (function.link_speed != function.max_link_speed || function.link_width != function.max_link_width) {
    text += " (of " + speed(function.max_link_speed) + " x" + function.max_link_width + ")";
  }
  return text;
}

std::string identifiers(const SurveyedFunction& function) {
  char text[16];
  std::snprintf(text, sizeof text, "%04x:%04x", unsigned{function.vendor_id}, unsigned{function.device_id});
  return text;
}

std::string listed(const SurveyedFunction& function) {
  std::string names;
  for (const host::SysfsCapability& capability : function.capabilities) {
    names += (names.empty() ? "" : " ") + host::capability_name(capability);
  }
  return names.empty() ? "none" : names;
}

}  // namespace

void print_devices(std::ostream& out, const std::vector<SurveyedFunction>& functions) {
  if (functions.empty()) out << "there is no PCI function\n";
  for (const SurveyedFunction& function : functions) {
    out << function.bdf.to_string() << "  " << identifiers(function) << "  " << function.class_name << ": "
        << function.vendor << " " << function.device << '\n'
        << "    capabilities  " << listed(function) << '\n'
        << "    link          " << link_of(function) << '\n'
        << "    driver        " << (function.driver.empty() ? "none" : function.driver) << '\n'
        << "    IOMMU group   " << (function.iommu_group.empty() ? "none" : function.iommu_group) << '\n';
    if (function.usable()) out << "    usable        yes\n";
    for (std::size_t index = 0; index < function.obstacles.size(); ++index) {
      const host::Obstacle& obstacle = function.obstacles[index];
      out << (index == 0 ? "    usable        no: " : "                  and: ") << obstacle.what << '\n';
      if (!obstacle.remedy.empty()) out << "                  " << obstacle.remedy << '\n';
    }
  }
  const auto usable = std::count_if(functions.begin(), functions.end(), [](const auto& each) { return each.usable(); });
  out << usable << " of " << functions.size() << " functions can be used\n";
}

std::string devices_json(const std::vector<SurveyedFunction>& functions) {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  const auto or_null = [](const std::string& text) {
    return text.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(text);
  };
  for (const SurveyedFunction& function : functions) {
    nlohmann::ordered_json capabilities = nlohmann::ordered_json::array();
    for (const host::SysfsCapability& each : function.capabilities) {
      capabilities.push_back({{"name", host::capability_name(each)},
                              {"id", each.id},
                              {"offset", each.offset},
                              {"extended", each.extended}});
    }
    nlohmann::ordered_json obstacles = nlohmann::ordered_json::array();
    for (const host::Obstacle& each : function.obstacles) {
      obstacles.push_back({{"what", each.what}, {"remedy", or_null(each.remedy)}});
    }
    all.push_back({{"address", function.bdf.to_string()},
                   {"vendor_id", function.vendor_id},
                   {"device_id", function.device_id},
                   {"class", function.device_class},
                   {"vendor", function.vendor},
                   {"device", function.device},
                   {"class_name", function.class_name},
                   {"capabilities", std::move(capabilities)},
                   {"link_speed", or_null(function.link_speed)},
                   {"link_width", or_null(function.link_width)},
                   {"max_link_speed", or_null(function.max_link_speed)},
                   {"max_link_width", or_null(function.max_link_width)},
                   {"driver", or_null(function.driver)},
                   {"iommu_group", or_null(function.iommu_group)},
                   {"holdover_endpoint", function.endpoint},
                   {"usable", function.usable()},
                   {"obstacles", std::move(obstacles)}});
  }
  constexpr int kIndent = 2;
  // Names come from lists and files of others.
  return nlohmann::ordered_json{{"functions", std::move(all)}}.dump(kIndent, ' ', false,
                                                                    nlohmann::ordered_json::error_handler_t::replace) +
         "\n";
}

}  // namespace holdover::cli
