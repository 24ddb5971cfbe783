"""Custom domain names in moto's CloudFormation. moto's API Gateway has them, but its CloudFormation
does not know the two types and skips them without an error."""

from __future__ import annotations

from typing import Any

import pytest
from moto.apigateway.models import apigateway_backends
from moto.cloudformation import parsing
from moto.core.common_models import CloudFormationModel


def know_domain_names(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {
        **parsing.get_model_map(),
        **{model.cloudformation_type(): model for model in (DomainName, BasePathMapping)},
    }
    monkeypatch.setattr(parsing, "get_model_map", lambda: known)


class _Resource(CloudFormationModel):
    """`made` is what API Gateway made, `properties` what the template says."""

    def __init__(self, made: Any, properties: dict[str, Any], account: str, region: str) -> None:
        self.made, self.properties = made, properties
        self.backend = apigateway_backends[account][region]

    @property
    def physical_resource_id(self) -> str:
        return str(self.properties["DomainName"])

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""

    @staticmethod
    def cloudformation_type() -> str:
        return ""

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: Any,
        account_id: str,
        region_name: str,
        **_: Any,
    ) -> _Resource:
        properties = cloudformation_json["Properties"]
        made = cls.make(apigateway_backends[account_id][region_name], properties)
        return cls(made, properties, account_id, region_name)

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: Any,
        account_id: str,
        region_name: str,
    ) -> _Resource:
        made = cls.create_from_cloudformation_json(
            new_resource_name, cloudformation_json, account_id, region_name
        )
        if made.physical_resource_id != original_resource.physical_resource_id:
            original_resource.replaced_by(made)
        return made

    def replaced_by(self, other: _Resource) -> None:
        raise NotImplementedError

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> None:
        raise NotImplementedError("moto calls `delete` where there is one")

    @staticmethod
    def make(backend: Any, properties: dict[str, Any]) -> Any:
        raise NotImplementedError


class DomainName(_Resource):
    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::ApiGateway::DomainName"

    @staticmethod
    def make(backend: Any, properties: dict[str, Any]) -> Any:
        endpoint = properties["EndpointConfiguration"]
        return backend.create_domain_name(
            domain_name=properties["DomainName"],
            regional_certificate_arn=properties["RegionalCertificateArn"],
            security_policy=properties["SecurityPolicy"],
            endpoint_configuration={
                "types": endpoint["Types"], "ipAddressType": endpoint["IpAddressType"],
            },
            **dict.fromkeys(
                (
                    "certificate_name", "tags", "certificate_arn", "certificate_body",
                    "certificate_private_key", "certificate_chain", "regional_certificate_name",
                )
            ),
        )  # fmt: skip

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return attr in ("RegionalDomainName", "RegionalHostedZoneId")

    def get_cfn_attribute(self, attribute_name: str) -> str:
        return {
            "RegionalDomainName": str(self.made.regional_domain_name),
            "RegionalHostedZoneId": str(self.made.regional_hosted_zone_id),
        }[attribute_name]

    def replaced_by(self, other: _Resource) -> None:
        """Replace what refers to it, too, as AWS does; moto leaves that as it is."""
        mappings = self.backend.base_path_mappings
        mappings[other.physical_resource_id] = mappings.pop(self.physical_resource_id)
        for mapping in mappings[other.physical_resource_id].values():
            mapping.domain_name = other.physical_resource_id
        self.backend.delete_domain_name(self.physical_resource_id)

    def delete(self, account_id: str, region: str) -> None:
        # As a stack deletes them on AWS: what refers to it goes first.
        assert not self.backend.base_path_mappings.get(self.physical_resource_id)
        self.backend.delete_domain_name(self.physical_resource_id)


class BasePathMapping(_Resource):
    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::ApiGateway::BasePathMapping"

    @staticmethod
    def make(backend: Any, properties: dict[str, Any]) -> Any:
        return backend.create_base_path_mapping(
            properties["DomainName"], properties["RestApiId"], properties.get("BasePath", ""),
            properties["Stage"],
        )  # fmt: skip

    def delete(self, account_id: str, region: str) -> None:
        self.backend.delete_base_path_mapping(self.made.domain_name, "(none)")
