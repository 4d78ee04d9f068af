import NIOCore
import NIOPosix
import Runtime

/// Opening a TCP connection only to see whether somebody answers.
public enum TCPDial {
    /// Nil if the connection was made (it is closed at once), else what went wrong.
    public static func problem(host: String, port: Int, timeout: Duration) async -> String? {
        do {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(.nanoseconds(timeout.wholeNanoseconds))
                .connect(host: host, port: port).get()
            channel.close(promise: nil)
            return nil
        } catch let error as ChannelError {
            if case .connectTimeout = error { return "dial tcp \(host):\(port): i/o timeout" }
            return "dial tcp \(host):\(port): \(error)"
        } catch {
            return "dial tcp \(host):\(port): connect: connection refused"
        }
    }
}
