import Glibc
import Runtime

extension HostFile {
    /// Reads the whole file into the buffer, which grows as far as `limit`; returns the bytes read.
    ///
    /// The kernel gives most tables of /proc a page at a time, so one pread is not enough. Nil if the read fails.
    func readWhole(into buffer: inout [UInt8], limit: Int = 1 << 20) -> Int? {
        var total = 0
        while true {
            if total == buffer.count {
                guard total < limit else { return total }
                buffer.append(contentsOf: repeatElement(0, count: min(max(buffer.count, 4096), limit - total)))
            }
            // The buffer's storage outlives the call, and total < buffer.count.
            let got = unsafe buffer.withUnsafeMutableBytes { unsafe pread(descriptor, $0.baseAddress! + total, $0.count - total, off_t(total)) }
            guard got >= 0 else {
                if errno == EINTR { continue }
                return nil
            }
            if got == 0 { return total }
            total += got
        }
    }
}
