import JSON

/// The `pod-template-hash` of a Deployment's template: equal for equal templates, whatever the order of their members.
///
/// FNV-1a (32 bits) over the text with sorted keys, then the collision count; written with the letters of generated names.
/// Kubernetes hashes another text, so its values differ; nothing may depend on them but equality.
public func templateHash(_ template: JSON, collisionCount: Int = 0) -> String {
    var text: [UInt8] = []
    writeCanonical(template, to: &text)
    if collisionCount > 0 { JSON.write(Int64(collisionCount), to: &text) }
    var hash: UInt32 = 2_166_136_261
    for byte in text {
        hash ^= UInt32(byte)
        hash = hash &* 16_777_619
    }
    return String(decoding: String(hash).utf8.map { GeneratedName.alphabet[Int($0 - 0x30)] }, as: UTF8.self)
}

private func writeCanonical(_ value: JSON, to text: inout [UInt8]) {
    switch value {
    case .object(let members):
        text.append(UInt8(ascii: "{"))
        for (key, member) in members.sorted() {
            JSON.write(key, to: &text)
            text.append(UInt8(ascii: ":"))
            writeCanonical(member, to: &text)
            text.append(UInt8(ascii: ","))
        }
        text.append(UInt8(ascii: "}"))
    case .array(let elements):
        text.append(UInt8(ascii: "["))
        for element in elements {
            writeCanonical(element, to: &text)
            text.append(UInt8(ascii: ","))
        }
        text.append(UInt8(ascii: "]"))
    default: value.write(to: &text)
    }
}
