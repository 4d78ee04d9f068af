import NIOCore

/// The threads on which all servers and clients of the process wait for their sockets.
public enum ServingThreads {
    /// For a program that answers little and is to cost little: one thread is as quick as two where nobody waits for it. To be
    /// called before the first server or client is made; later it does nothing.
    public static func limit(to count: Int) { NIOSingletons.groupLoopCountSuggestion = count }
}
