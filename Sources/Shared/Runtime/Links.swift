import Glibc

/// What a symbolic link points to; nil if it is none or may not be read.
public func linkTarget(_ path: String) -> String? {
    let limit = 4096
    var isLink = true
    let bytes = unsafe [CChar](unsafeUninitializedCapacity: limit) { buffer, used in
        let count = unsafe buffer.baseAddress.map { unsafe readlink(path, $0, limit) } ?? -1
        isLink = count >= 0
        used = max(0, count)
    }
    return isLink ? String(decoding: bytes.map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
}
