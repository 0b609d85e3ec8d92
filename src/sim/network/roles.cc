#include "sim/network/roles.h"

#include <array>

#include "flow/record.h"

namespace netflowgen::sim {
namespace {

using flow::kTcp;
using flow::kUdp;

constexpr PacketSizes kDown{52, 1452, 0.85F};      // the data direction of a TCP download
constexpr PacketSizes kUp{52, 900, 0.12F};         // requests and acknowledgements
constexpr PacketSizes kBulk{52, 1500, 0.98F};      // backups, uploads
constexpr PacketSizes kAcks{52, 120, 0.05F};       // the way back of a bulk transfer
constexpr PacketSizes kQuery{68, 92, 0.3F};        // DNS questions
constexpr PacketSizes kReply{110, 620, 0.25F};     // DNS answers
constexpr PacketSizes kBigReply{140, 1232, 0.3F};  // answers with DNSSEC, to a resolver
constexpr PacketSizes kVoice{74, 214, 0.9F};
constexpr PacketSizes kVideo{90, 1180, 0.7F};
constexpr PacketSizes kTunnel{96, 1380, 0.5F};
constexpr PacketSizes kGameUp{60, 110, 0.4F};
constexpr PacketSizes kGameDown{90, 480, 0.5F};
constexpr PacketSizes kTiny{60, 140, 0.3F};
constexpr PacketSizes kNtp{76, 76, 0.0F};

constexpr PacketCount kPage{10, 1.1, 0.06, 1.3};  // packets of a web response
constexpr PacketCount kRequest{5, 0.5};
constexpr PacketCount kDatagram{1, 0.25};
constexpr PacketCount kMessage{18, 1.2, 0.05, 1.4};  // a mail
constexpr PacketCount kShort{6, 0.4};
constexpr PacketCount kRows{10, 1.3, 0.05, 1.4};  // rows of a database query

// clang-format off
constexpr ConversationSpec kWeb[] = {
    {"https", true, kTcp, 443, 13, kRequest, kPage, 0.4, kUp, kDown, 4, 1.2, 60'000, ""},
    {"http", true, kTcp, 80, 2, kRequest, kPage, 0.4, kUp, kDown, 2, 1.0, 60'000, ""},
    {"http3", true, kUdp, 443, 3, kRequest, kPage, 0.3, kUp, kDown, 4, 1.2, 30'000, ""},
    {"updates", false, kTcp, 443, 0.1, kRequest, kPage, 0.4, kUp, kDown, 4, 1.0, 200, ""},
    {"names", false, kUdp, 53, 2, kDatagram, kDatagram, 0, kQuery, kReply, 0.05, 0.5, 4, "dns"},
};
constexpr ConversationSpec kDns[] = {
    {"questions", true, kUdp, 53, 110, kDatagram, kDatagram, 0, kQuery, kReply, 0.05, 0.6, 20'000, ""},
    {"recursion", false, kUdp, 53, 60, kDatagram, kDatagram, 0, kQuery, kBigReply, 0.08, 0.6, 4'000, ""},
    {"tcp", true, kTcp, 53, 0.8, kShort, kShort, 0.2, kTiny, kBigReply, 0.3, 0.5, 2'000, ""},
};
constexpr ConversationSpec kMail[] = {
    {"smtp", true, kTcp, 25, 4, kMessage, kShort, 0.4, kDown, kTiny, 5, 1.0, 8'000, ""},
    {"delivery", false, kTcp, 25, 2.5, kMessage, kShort, 0.4, kDown, kTiny, 5, 1.0, 3'000, ""},
    {"imap", true, kTcp, 993, 5, kShort, kMessage, 0.4, kTiny, kDown, 20, 1.4, 1'500, ""},
    {"names", false, kUdp, 53, 15, kDatagram, kDatagram, 0, kQuery, kReply, 0.05, 0.5, 4, "dns"},
};
constexpr ConversationSpec kNat[] = {
    {"https", false, kTcp, 443, 30, kRequest, kPage, 0.4, kUp, kDown, 6, 1.3, 6'000, ""},
    {"http3", false, kUdp, 443, 14, kRequest, kPage, 0.3, kUp, kDown, 8, 1.3, 1'500, ""},
    {"names", false, kUdp, 53, 30, kDatagram, kDatagram, 0, kQuery, kReply, 0.05, 0.5, 6, ""},
    {"stun", false, kUdp, 3478, 2, kShort, kShort, 0, kTiny, kTiny, 10, 0.8, 50, ""},
};
constexpr SessionSpec kNatSessions[] = {
    {"video", false, kUdp, 443, 40, 60, 1.25, 7'200, 160, 30, 0.8, kVideo, kAcks, 800},
    {"download", false, kTcp, 443, 12, 10, 1.2, 3'600, 900, 300, 0.9, kBulk, kAcks, 2'000},
    {"call", false, kUdp, 3478, 10, 240, 1.6, 5'400, 90, 80, 0.5, kVideo, kVideo, 60},
};
constexpr ConversationSpec kVpn[] = {
    {"handshake", true, kUdp, 500, 1.2, kShort, kShort, 0, kTiny, kTiny, 1, 0.5, 400, ""},
    {"portal", true, kTcp, 443, 0.8, kRequest, kPage, 0.4, kUp, kDown, 4, 1.0, 400, ""},
};
constexpr SessionSpec kVpnSessions[] = {
    {"tunnel", true, kUdp, 4500, 55, 600, 1.3, 28'800, 14, 22, 1.0, kTunnel, kTunnel, 300},
};
constexpr ConversationSpec kClient[] = {
    {"https", false, kTcp, 443, 1.8, kRequest, kPage, 0.4, kUp, kDown, 6, 1.3, 4'000, ""},
    {"http3", false, kUdp, 443, 0.7, kRequest, kPage, 0.3, kUp, kDown, 8, 1.3, 900, ""},
    {"names", false, kUdp, 53, 3, kDatagram, kDatagram, 0, kQuery, kReply, 0.05, 0.5, 3, "dns"},
    {"mail", false, kTcp, 993, 0.15, kShort, kMessage, 0.4, kTiny, kDown, 20, 1.2, 30, ""},
};
constexpr SessionSpec kClientSessions[] = {
    {"video", false, kTcp, 443, 1.2, 90, 1.2, 7'200, 140, 55, 0.8, kDown, kAcks, 300},
    {"download", false, kTcp, 443, 0.5, 10, 1.15, 3'600, 1'200, 420, 1.0, kBulk, kAcks, 600},
    {"call", false, kUdp, 3478, 0.7, 240, 1.6, 5'400, 80, 70, 0.5, kVideo, kVideo, 40},
};
constexpr ConversationSpec kIot[] = {
    {"telemetry", false, kTcp, 8883, 0.5, kShort, kShort, 0.4, kTiny, kTiny, 10, 0.6, 6, ""},
    {"names", false, kUdp, 53, 0.4, kDatagram, kDatagram, 0, kQuery, kReply, 0.05, 0.5, 2, "dns"},
    {"time", false, kUdp, 123, 0.1, kDatagram, kDatagram, 0, kNtp, kNtp, 0.05, 0.3, 8, ""},
};
constexpr SessionSpec kIotSessions[] = {
    {"camera", false, kTcp, 443, 0.7, 30, 1.4, 1'800, 20, 90, 0.6, kAcks, kBulk, 4},
};
constexpr ConversationSpec kDatabase[] = {
    {"query", true, kTcp, 5432, 14, kShort, kRows, 0.4, kTiny, kDown, 3, 1.2, 64, "web"},
};
constexpr SessionSpec kDatabaseSessions[] = {
    {"report", true, kTcp, 5432, 1.5, 20, 1.4, 1'800, 60, 250, 0.8, kAcks, kBulk, 6},
};
constexpr ConversationSpec kVoip[] = {
    {"sip", true, kUdp, 5060, 8, kShort, kShort, 0, kReply, kReply, 1, 0.8, 200, ""},
};
constexpr SessionSpec kVoipSessions[] = {
    {"call", true, kUdp, 10'000, 130, 45, 1.5, 5'400, 50, 50, 0.1, kVoice, kVoice, 500},
};
constexpr ConversationSpec kGame[] = {
    {"status", true, kUdp, 27'015, 10, kDatagram, kDatagram, 0, kTiny, kGameDown, 0.05, 0.5, 10'000, ""},
};
constexpr SessionSpec kGameSessions[] = {
    {"match", true, kUdp, 27'015, 90, 300, 1.5, 10'800, 28, 40, 0.3, kGameUp, kGameDown, 2'000},
};
constexpr ConversationSpec kBackup[] = {
    {"status", true, kTcp, 9'100, 0.5, kShort, kShort, 0.4, kTiny, kTiny, 1, 0.5, 4, ""},
    {"names", false, kUdp, 53, 0.5, kDatagram, kDatagram, 0, kQuery, kReply, 0.05, 0.5, 2, "dns"},
};
constexpr SessionSpec kBackupSessions[] = {
    {"offsite", false, kTcp, 443, 1.5, 300, 1.3, 10'800, 180, 450, 0.6, kAcks, kBulk, 3},
};
constexpr ConversationSpec kIdle[] = {
    {"time", false, kUdp, 123, 0.05, kDatagram, kDatagram, 0, kNtp, kNtp, 0.05, 0.3, 4, ""},
};

constexpr std::array<RoleProfile, 12> kRoles = {{
    {"web", "server", 0.35, 0.85, 0.8, kWeb, {}},
    {"dns", "server", 0.25, 0.80, 0.6, kDns, {}},
    {"mail", "office", 0.45, 0.75, 0.6, kMail, {}},
    {"nat", "home", 0.30, 0.85, 0.5, kNat, kNatSessions},
    {"vpn", "office", 0.30, 0.80, 0.5, kVpn, kVpnSessions},
    {"client", "office", 0.80, 0.85, 0.7, kClient, kClientSessions},
    {"iot", "flat", 0.20, 0.70, 0.6, kIot, kIotSessions},
    {"database", "server", 0.40, 0.80, 0.7, kDatabase, kDatabaseSessions},
    {"voip", "office", 0.25, 0.75, 0.5, kVoip, kVoipSessions},
    {"game", "home", 0.35, 0.85, 0.7, kGame, kGameSessions},
    {"backup", "night", 0.30, 0.75, 0.4, kBackup, kBackupSessions},
    {"idle", "flat", 0.30, 0.70, 0.5, kIdle, {}},
}};
// clang-format on

}  // namespace

const RoleProfile* find_role(std::string_view name) {
  for (const auto& role : kRoles) {
    if (role.name == name) return &role;
  }
  return nullptr;
}

std::span<const RoleProfile> all_roles() { return kRoles; }

std::string role_names() {
  std::string text;
  for (const auto& role : kRoles) text += (text.empty() ? "" : ", ") + std::string(role.name);
  return text;
}

}  // namespace netflowgen::sim
