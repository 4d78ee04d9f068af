import Pattern
import TestKit
import Testing

@testable import LogTail

@Suite struct RedactorTests {
    private func redact(_ text: String, _ kinds: [SecretKind] = SecretKind.allCases) -> String {
        var state = Redactor.State()
        let redacted = Redactor(kinds: kinds, key: Array("key".utf8)).redact(Array(text.utf8), &state).text
        // The mark's digits stand for themselves.
        var result = ""
        var rest = String(decoding: redacted, as: UTF8.self)[...]
        while let start = rest.firstRange(of: "[REDACTED:"), let end = rest[start.upperBound...].firstIndex(of: "]") {
            result += rest[..<start.lowerBound] + "<\(rest[start.upperBound..<end].split(separator: ":")[0])>"
            rest = rest[rest.index(after: end)...]
        }
        return result + rest
    }

    @Test(arguments: [
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer <bearer>"),
        ("token=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.s1gn4ture ok", "token=<bearer> ok"),
        ("key AKIAIOSFODNN7EXAMPLE.", "key <aws>."), ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "aws_secret_access_key = <aws>"),
        ("get https://bob:pa55@host/x", "get https://<basic_auth>@host/x"), ("card 4111 1111 1111 1111 ok", "card <card> ok"),
        ("card 4111-1111-1111-1111", "card <card>"),
        ("card 4111111111111112", "card 4111111111111112"), ("mail to a.b+c@example.org.", "mail to <email>."), ("from 10.1.2.3:80", "from <ipv4>:80"),
        ("version 1.2.3.4.5 and 300.1.1.1", "version 1.2.3.4.5 and 300.1.1.1"),
        ("stamp 1795510121000000000 and 20261124084841", "stamp 1795510121000000000 and 20261124084841"),
        ("-----BEGIN RSA PRIVATE KEY-----\\nMIIE\\n-----END RSA PRIVATE KEY----- rest", "<private_key> rest"), ("nothing: here @ all", "nothing: here @ all"),
        ("", ""),
    ])
    func `takes out secrets and nothing else`(text: String, expected: String) { #expect(redact(text) == expected) }

    @Test func `marks equal secrets equally, and under another key otherwise`() {
        func mark(_ text: String, _ key: String) -> [UInt8] {
            var state = Redactor.State()
            return Redactor(kinds: [.email], key: Array(key.utf8)).redact(Array(text.utf8), &state).text
        }
        #expect(mark("a@b.cd", "1") == mark("a@b.cd", "1"))
        #expect(mark("a@b.cd", "1") != mark("a@b.ce", "1") && mark("a@b.cd", "1") != mark("a@b.cd", "2"))
    }

    @Test func `takes out a private key that is written line by line`() {
        let redactor = Redactor(kinds: [.privateKey], key: [1])
        var state = Redactor.State()
        let lines = ["before", "-----BEGIN PRIVATE KEY-----", "MIIEvQ", "AbCd==", "-----END PRIVATE KEY----- x", "after"]
        let texts = lines.map { String(decoding: redactor.redact(Array($0.utf8), &state).text, as: UTF8.self) }
        #expect(texts[0] == "before" && texts[5] == "after" && texts[4].hasSuffix("] x"))
        for text in texts[1...4] { #expect(text.hasPrefix("[REDACTED:private_key:") && !text.contains("MII") && !text.contains("AbCd")) }
    }

    @Test func `takes out what a user describes, once where kinds overlap`() throws {
        var state = Redactor.State()
        let redactor = Redactor(kinds: [.email], custom: [.init(name: "host", pattern: try Pattern("[a-z]+@host.example"))], key: [1])
        let text = String(decoding: redactor.redact(Array("to bob@host.example now".utf8), &state).text, as: UTF8.self)
        #expect(text.hasPrefix("to [REDACTED:") && text.hasSuffix("] now") && !text.contains("host.example") && text.count { $0 == "[" } == 1)
    }

    @Test func `hashes as FIPS 180-4 and RFC 4231 say`() {
        func hex(_ bytes: [UInt8]) -> String { bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
        #expect(hex(SHA256.hash([])) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(hex(SHA256.hash(Array("abc".utf8))) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            hex(SHA256.hmac(Array("what do ya want for nothing?".utf8), key: Array("Jefe".utf8)))
                == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        #expect(hex(SHA256.hash([UInt8](repeating: 0x61, count: 119))).count == 64)
    }

    @Test(arguments: UInt64(1)...10) func `takes any bytes`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let redactor = Redactor(kinds: SecretKind.allCases, key: [1])
        let alphabet = Array("aAeyJ.:/@-=4 1bearer BEGINENDPRIVATE KEY-----AKIA\"\\".utf8)
        for _ in 0..<100 {
            var state = Redactor.State()
            let text = (0..<random.below(80)).map { _ in alphabet[random.below(alphabet.count)] }
            _ = redactor.redact(text, &state)
            _ = redactor.redact(text, &state)
        }
    }
}
