import JSON
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
              certificate-authority-data: \(Base64.encode(authority.utf8))
        users:
          - name: admin
            user:
              client-certificate-data: \(Base64.encode(admin.certificate.utf8))
              client-key-data: \(Base64.encode(admin.privateKey.utf8))
        contexts:
          - name: binnacle
            context:
              cluster: binnacle
              user: admin
        current-context: binnacle

        """
    }
}
