// SPDX-License-Identifier: MIT
// Numbers that know what they count. Mixing two of them does not compile.
#pragma once

#include <compare>
#include <cstdint>

namespace holdover {

template <typename Tag>
class Quantity {
 public:
  constexpr Quantity() = default;
  constexpr explicit Quantity(std::uint64_t count) : count_(count) {}
  [[nodiscard]] constexpr std::uint64_t count() const { return count_; }

  friend constexpr auto operator<=>(const Quantity&, const Quantity&) = default;
  constexpr Quantity& operator+=(Quantity other) {
    count_ += other.count_;
    return *this;
  }
  constexpr Quantity& operator-=(Quantity other) {
    count_ -= other.count_;
    return *this;
  }
  friend constexpr Quantity operator+(Quantity a, Quantity b) { return Quantity{a.count_ + b.count_}; }
  friend constexpr Quantity operator-(Quantity a, Quantity b) { return Quantity{a.count_ - b.count_}; }
  friend constexpr Quantity operator*(Quantity a, std::uint64_t n) { return Quantity{a.count_ * n}; }
  friend constexpr Quantity operator*(std::uint64_t n, Quantity a) { return a * n; }
  friend constexpr Quantity operator/(Quantity a, std::uint64_t n) { return Quantity{a.count_ / n}; }
  friend constexpr std::uint64_t operator/(Quantity a, Quantity b) { return a.count_ / b.count_; }
  friend constexpr Quantity operator%(Quantity a, Quantity b) { return Quantity{a.count_ % b.count_}; }

 private:
  std::uint64_t count_ = 0;
};

using Bytes = Quantity<struct BytesTag>;
using Cycles = Quantity<struct CyclesTag>;  // clocks of the endpoint's user clock
using Time = Quantity<struct TimeTag>;      // simulated time in picoseconds

template <typename Bus>
class Address {
 public:
  constexpr Address() = default;
  constexpr explicit Address(std::uint64_t raw) : raw_(raw) {}
  [[nodiscard]] constexpr std::uint64_t raw() const { return raw_; }

  friend constexpr auto operator<=>(const Address&, const Address&) = default;
  constexpr Address& operator+=(Bytes n) {
    raw_ += n.count();
    return *this;
  }
  friend constexpr Address operator+(Address a, Bytes n) { return Address{a.raw_ + n.count()}; }
  friend constexpr Address operator-(Address a, Bytes n) { return Address{a.raw_ - n.count()}; }
  friend constexpr Bytes operator-(Address a, Address b) { return Bytes{a.raw_ - b.raw_}; }

 private:
  std::uint64_t raw_ = 0;
};

using BusAddress = Address<struct BusTag>;            // PCI memory space, host side: BARs, windows, platform registers
using Iova = Address<struct IovaTag>;                 // what a device puts into a request, before the IOMMU
using PhysicalAddress = Address<struct PhysicalTag>;  // DRAM, after the IOMMU; DRAM begins at 0

inline namespace literals {
constexpr Bytes operator""_B(unsigned long long n) { return Bytes{n}; }
constexpr Bytes operator""_KiB(unsigned long long n) { return Bytes{n << 10}; }
constexpr Bytes operator""_MiB(unsigned long long n) { return Bytes{n << 20}; }
constexpr Bytes operator""_GiB(unsigned long long n) { return Bytes{n << 30}; }
constexpr Time operator""_ps(unsigned long long n) { return Time{n}; }
constexpr Time operator""_ns(unsigned long long n) { return Time{n * 1000}; }
constexpr Time operator""_us(unsigned long long n) { return Time{n * 1000 * 1000}; }
constexpr Time operator""_ms(unsigned long long n) { return Time{n * 1000 * 1000 * 1000}; }
}  // namespace literals

inline constexpr Bytes kPageSize = 4_KiB;

}  // namespace holdover
