import Crypto
import FoundationEssentials
import HTTP
import NIOSSL
import Runtime
import SwiftASN1
import Telemetry
import X509

/// What a TLS server shows, and whom it trusts to name clients.
public struct TLSIdentity: Sendable {
    /// PEM.
    public var certificate: String
    /// PEM.
    public var privateKey: String
    /// PEM of the authority whose client certificates are accepted; clients may come without one. Empty: none is asked for.
    public var clientAuthority: String

    public init(certificate: String, privateKey: String, clientAuthority: String) {
        self.certificate = certificate
        self.privateKey = privateKey
        self.clientAuthority = clientAuthority
    }

    func serverContext() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(certificate.utf8)).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(privateKey.utf8), format: .pem)))
        configuration.minimumTLSVersion = .tlsv12
        if clientAuthority.isEmpty {
            configuration.certificateVerification = .none
        } else {
            configuration.certificateVerification = .optionalVerification
            configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(clientAuthority.utf8)))
        }
        configuration.applicationProtocols = ["http/1.1"]
        return try NIOSSLContext(configuration: configuration)
    }
}

/// A certificate and its key, PEM.
public struct KeyPair: Sendable {
    public var certificate: String
    public var privateKey: String
    public init(certificate: String, privateKey: String) {
        self.certificate = certificate
        self.privateKey = privateKey
    }
}

/// The cluster's own certificate authority, kept as two PEM files (`ca.crt`, `ca.key`) in a directory.
public struct CertificateAuthority: Sendable {
    /// How long the certificates that it makes are valid.
    public static let leafLifetime = Duration.seconds(365 * 86_400)

    private let certificate: Certificate
    private let key: P256.Signing.PrivateKey
    /// PEM.
    public let certificatePEM: String

    /// Reads the authority in `directory`, or makes one there that is valid for ten years.
    public static func open(directory: String, fileSystem: any FileSystem, now: Timestamp) throws -> CertificateAuthority {
        let certificatePath = "\(directory)/ca.crt"
        let keyPath = "\(directory)/ca.key"
        if fileSystem.exists(certificatePath), fileSystem.exists(keyPath) {
            let certificate = try Certificate(pemEncoded: try fileSystem.text(certificatePath))
            let key = try P256.Signing.PrivateKey(pemRepresentation: try fileSystem.text(keyPath))
            return CertificateAuthority(certificate: certificate, key: key, certificatePEM: try fileSystem.text(certificatePath))
        }
        try fileSystem.makeDirectory(directory, mode: 0o700)
        let key = P256.Signing.PrivateKey()
        let name = try DistinguishedName { CommonName("binnacle-ca") }
        let certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey), notValidBefore: date(now - .seconds(3600)),
            notValidAfter: date(now + .seconds(10 * 365 * 86_400)), issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(digitalSignature: true, keyCertSign: true, cRLSign: true))
            }, issuerPrivateKey: .init(key))
        let pem = try certificate.serializeAsPEM().pemString + "\n"
        try fileSystem.replace(keyPath, Array((key.pemRepresentation + "\n").utf8), mode: 0o600)
        try fileSystem.replace(certificatePath, Array(pem.utf8), mode: 0o644)
        return CertificateAuthority(certificate: certificate, key: key, certificatePEM: pem)
    }

    /// A server's certificate for host names and IPv4 addresses, valid for one year.
    public func server(commonName: String, names: [String], addresses: [String], now: Timestamp) throws -> KeyPair {
        let alternatives =
            names.map { GeneralName.dnsName($0) }
            + addresses.compactMap { text -> GeneralName? in
                let bytes = text.split(separator: ".").compactMap { UInt8($0) }
                return bytes.count == 4 ? .ipAddress(ASN1OctetString(contentBytes: bytes[...])) : nil
            }
        return try issue(
            subject: try DistinguishedName { CommonName(commonName) }, alternatives: alternatives, usage: .serverAuth, now: now)
    }

    /// A client's certificate, valid for one year. Kubernetes reads the common name as the user and organizations as groups.
    public func client(commonName: String, organizations: [String], now: Timestamp) throws -> KeyPair {
        try issue(
            subject: try DistinguishedName {
                for organization in organizations { OrganizationName(organization) }
                CommonName(commonName)
            }, alternatives: [], usage: .clientAuth, now: now)
    }

    private func issue(
        subject: DistinguishedName, alternatives: [GeneralName], usage: ExtendedKeyUsage.Usage, now: Timestamp
    ) throws -> KeyPair {
        let leaf = P256.Signing.PrivateKey()
        let issued = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(leaf.publicKey), notValidBefore: Self.date(now - .seconds(3600)),
            notValidAfter: Self.date(now + Self.leafLifetime), issuer: certificate.subject, subject: subject,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([usage])
                if !alternatives.isEmpty { SubjectAlternativeNames(alternatives) }
            }, issuerPrivateKey: .init(key))
        return KeyPair(certificate: try issued.serializeAsPEM().pemString + "\n", privateKey: leaf.pemRepresentation + "\n")
    }

    private static func date(_ timestamp: Timestamp) -> Date { Date(timeIntervalSince1970: timestamp.seconds) }
}

enum CertificateSubject {
    /// The common name and organizations of a certificate in DER; nil if it has no common name.
    static func identity(of encoded: [UInt8]) -> HTTPRequest.ClientIdentity? {
        guard let certificate = try? Certificate(derEncoded: encoded) else { return nil }
        var commonName: String?
        var organizations: [String] = []
        for attribute in certificate.subject.flatMap({ $0 }) {
            if attribute.type == .RDNAttributeType.commonName { commonName = String(attribute.value) }
            if attribute.type == .RDNAttributeType.organizationName, let name = String(attribute.value) { organizations.append(name) }
        }
        return commonName.map { HTTPRequest.ClientIdentity(commonName: $0, organizations: organizations) }
    }
}
