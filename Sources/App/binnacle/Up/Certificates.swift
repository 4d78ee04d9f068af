import Runtime
import Serving
import Telemetry

/// The cluster's authority, this server's certificate and the administrator's kubeconfig.
struct Certificates {
    let authority: String
    let serverIdentity: TLSIdentity
    let kubeconfig: String
    /// A copy that runs for so long must be restarted before.
    let serverExpiry: Timestamp

    /// Leaf certificates are made anew at each start: they cost a millisecond and never expire unnoticed.
    static func open(_ directory: DataDirectory, _ settings: Settings, serviceAddress: String, now: Timestamp) throws -> Certificates {
        let authority = try CertificateAuthority.open(directory: directory.certificates, fileSystem: HostFileSystem(), now: now)
        let names = [
            "localhost", settings.nodeName, "kubernetes", "kubernetes.default", "kubernetes.default.svc",
            "kubernetes.default.svc.\(settings.clusterDomain)",
        ]
        let server = try authority.server(
            commonName: "binnacle-apiserver", names: names, addresses: ["127.0.0.1", HostAddress.primary, serviceAddress], now: now)
        let admin = try authority.client(commonName: "binnacle-admin", organizations: ["system:masters"], now: now)
        return Certificates(
            authority: authority.certificatePEM,
            serverIdentity: TLSIdentity(
                certificate: server.certificate, privateKey: server.privateKey, clientAuthority: authority.certificatePEM),
            kubeconfig: Kubeconfig.text(server: "https://127.0.0.1:\(settings.apiPort)", authority: authority.certificatePEM, admin: admin),
            serverExpiry: now + CertificateAuthority.leafLifetime)
    }
}
