"""The programs that commands find on Lambda: those of the image of python3.13.

The image is Amazon Linux 2023's minimal one with Python in /var/lang. Sources: the output of
`rpm -qa` in public.ecr.aws/lambda/python:3.12, which shares the base, in
https://github.com/amazonlinux/amazon-linux-2023/issues/585 (2023-12); Amazon's list of what its
minimal container image has,
https://docs.aws.amazon.com/linux/al2023/ug/al2023-container-image-types.html; for what people miss,
https://github.com/aws/aws-lambda-base-images/issues/196 (`find`). Which programs a package has is
from its manual pages and from Fedora's packages of the same names and versions. Seen 2026-11-28;
not compared with a running function. A program that may or may not be there is in the list.
"""

from __future__ import annotations

BY_PACKAGE: dict[str, frozenset[str]] = {
    package: frozenset(programs.split())
    for package, programs in {
        "python (in /var/lang/bin)": """
            2to3 2to3-3.13 idle3 idle3.13 pip pip3 pip3.11 pip3.12 pip3.13 pip3.14 pydoc3 pydoc3.13
            python python3 python3-config python3.11 python3.12 python3.13 python3.13-config
            python3.14
        """,
        "bash": """
            alias bash bashbug bashbug-64 bg cd command fc fg getopts hash jobs read sh type ulimit
            umask unalias wait
        """,
        "coreutils-single": """
            [ arch b2sum base32 base64 basename basenc cat chcon chgrp chmod chown chroot cksum comm
            coreutils cp csplit cut date dd df dir dircolors dirname du echo env expand expr factor
            false fmt fold groups head hostid id install join link ln logname ls md5sum mkdir mkfifo
            mknod mktemp mv nice nl nohup nproc numfmt od paste pathchk pinky pr printenv printf ptx
            pwd readlink realpath rm rmdir runcon seq sha1sum sha224sum sha256sum sha384sum
            sha512sum shred shuf sleep sort split stat stdbuf stty sum sync tac tail tee test
            timeout touch tr true truncate tsort tty uname unexpand uniq unlink users vdir wc who
            whoami yes
        """,
        "curl-minimal": "curl",
        "gawk": "awk gawk gawk-5.1.0",
        "grep": "egrep fgrep grep",
        "sed": "sed",
        "glibc, glibc-common": """
            catchsegv gencat getconf getent iconv iconvconfig ld.so ldconfig ldd locale localedef
            makedb pldd sotruss sprof tzselect zdump zic
        """,
        "gnupg2-minimal": """
            gpg gpg-agent gpg-connect-agent gpg-error gpg2 gpgconf gpgparsemail gpgsplit gpgv gpgv2
        """,
        "rpm, microdnf": """
            dnf microdnf rpm rpm2archive rpm2cpio rpmdb rpmkeys rpmquery rpmverify
        """,
        "p11-kit, ca-certificates": "ca-legacy p11-kit trust update-ca-trust",
        "libcap": "capsh getcap getpcaps setcap",
        "alternatives": "alternatives update-alternatives",
    }.items()
}

PROGRAMS: frozenset[str] = frozenset().union(*BY_PACKAGE.values())
PYTHON = BY_PACKAGE["python (in /var/lang/bin)"]

FOLDERS = ("/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin")
"""Where a path names a program of the image. Its Python is in none of them."""
