// SPDX-License-Identifier: MIT
#include "vfio_user/socket_file.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <barrier>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "pcie/error.h"

namespace holdover::vfio_user {
namespace {

class SocketFile : public ::testing::Test {
 protected:
  SocketFile() {
    std::string name = (std::filesystem::temp_directory_path() / "holdover-socket-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ / "s.sock";
  }
  ~SocketFile() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string refusal() const {
    try {
      const ListeningSocket socket(path_);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  // What a server that was killed leaves behind.
  void leave_stale() const {
    const FileDescriptor socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.native().copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }

  std::filesystem::path folder_;
  std::filesystem::path path_;
};

TEST_F(SocketFile, IsForItsOwnerAloneAndGoesWithTheServer) {
  {
    const ListeningSocket socket(path_);
    struct stat found {};
    ASSERT_EQ(::lstat(path_.c_str(), &found), 0);
    EXPECT_TRUE(S_ISSOCK(found.st_mode));
    EXPECT_EQ(found.st_mode & 0777, 0600u);
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(SocketFile, IsRefusedWhileAnotherServerListens) {
  const ListeningSocket socket(path_);
  EXPECT_NE(refusal().find("in use by another server"), std::string::npos) << refusal();
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(SocketFile, ReplacesOneThatWasLeftOver) {
  leave_stale();
  ASSERT_TRUE(std::filesystem::exists(path_));
  EXPECT_EQ(refusal(), "");
}

TEST_F(SocketFile, OfServersThatBeginAtOnceOneWins) {
  constexpr unsigned kServers = 4;
  for (unsigned round = 0; round < 100; ++round) {
    leave_stale();
    std::barrier together(kServers);
    std::atomic<unsigned> listening{0};
    std::atomic<unsigned> refused{0};
    {
      std::vector<std::jthread> servers;
      for (unsigned i = 0; i < kServers; ++i) {
        servers.emplace_back([&] {
          std::optional<ListeningSocket> socket;
          together.arrive_and_wait();
          try {
            socket.emplace(path_);
            ++listening;
          } catch (const Error&) {
            ++refused;
          }
          together.arrive_and_wait();
        });
      }
    }
    ASSERT_EQ(listening, 1u);
    ASSERT_EQ(refused, kServers - 1);
    ASSERT_TRUE(std::filesystem::is_empty(folder_)) << "nothing is left behind";
  }
}

TEST_F(SocketFile, IsNeverPutInThePlaceOfSomethingElse) {
  std::ofstream(path_) << "precious";
  EXPECT_NE(refusal().find("no socket"), std::string::npos) << refusal();
  EXPECT_EQ(std::filesystem::file_size(path_), 8u);
}

TEST_F(SocketFile, ThePathFitsIntoAnAddress) {
  path_ = folder_ / std::string(200, 'a');
  EXPECT_NE(refusal().find("characters"), std::string::npos) << refusal();
  path_ = folder_ / "none" / "s.sock";
  EXPECT_NE(refusal().find("folder"), std::string::npos) << refusal();
}

TEST_F(SocketFile, AServerRemovesNoFileButItsOwn) {
  {
    const ListeningSocket socket(path_);
    std::filesystem::remove(path_);
    std::ofstream(path_) << "another";
  }
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(SocketFile, ClientsAreToldWhatIsMissing) {
  const auto error_of = [this] {
    try {
      const FileDescriptor socket = connect_to(path_);
    } catch (const Error& error) {
      return std::optional(error.code());
    }
    return std::optional<ErrorCode>();
  };
  EXPECT_EQ(error_of(), ErrorCode::NotFound);
  leave_stale();
  EXPECT_EQ(error_of(), ErrorCode::Unavailable);
  ListeningSocket socket(path_);
  EXPECT_FALSE(socket.accept().has_value());
  EXPECT_EQ(error_of(), std::nullopt);
  EXPECT_TRUE(socket.accept().has_value());
}

}  // namespace
}  // namespace holdover::vfio_user
