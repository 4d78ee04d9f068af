import Serving

/// The file that makes `kubectl` ask this server as its administrator.
enum Kubeconfig {
    static func text(server: String, authority: String, admin: KeyPair) -> String {
        """
        apiVersion: v1
        kind: Config
        clusters:
          - name: binnacle
            cluster:
              server: \(server)
              certificate-authority-data: \(Base64.encode(Array(authority.utf8)))
        users:
          - name: admin
            user:
              client-certificate-data: \(Base64.encode(Array(admin.certificate.utf8)))
              client-key-data: \(Base64.encode(Array(admin.privateKey.utf8)))
        contexts:
          - name: binnacle
            context:
              cluster: binnacle
              user: admin
        current-context: binnacle

        """
    }
}

/// RFC 4648, with padding.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let value = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for digit in 0..<4 {
                text.append(digit <= group.count ? alphabet[value >> (18 - 6 * digit) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
